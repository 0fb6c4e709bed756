// AssemblyScript: the heap of the k best (worst first) over two columns in memory, f32 scores and i32 ids. Of equal scores the higher id is worse.

export function worse(scores: usize, ids: usize, a: i32, b: i32): bool {
  const sa = load<f32>(scores + ((<usize>a) << 2));
  const sb = load<f32>(scores + ((<usize>b) << 2));
  if (sa != sb) return sa < sb;
  return load<i32>(ids + ((<usize>a) << 2)) > load<i32>(ids + ((<usize>b) << 2));
}

export function swap(scores: usize, ids: usize, a: i32, b: i32): void {
  const pa = (<usize>a) << 2;
  const pb = (<usize>b) << 2;
  const s = load<f32>(scores + pa);
  store<f32>(scores + pa, load<f32>(scores + pb));
  store<f32>(scores + pb, s);
  const i = load<i32>(ids + pa);
  store<i32>(ids + pa, load<i32>(ids + pb));
  store<i32>(ids + pb, i);
}

export function siftDown(scores: usize, ids: usize, size: i32): void {
  let at = 0;
  while (true) {
    const left = (at << 1) + 1;
    if (left >= size) return;
    const right = left + 1;
    const child = right < size && worse(scores, ids, right, left) ? right : left;
    if (!worse(scores, ids, child, at)) return;
    swap(scores, ids, child, at);
    at = child;
  }
}

export function siftUp(scores: usize, ids: usize, start: i32): void {
  let at = start;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(scores, ids, at, parent)) return;
    swap(scores, ids, at, parent);
    at = parent;
  }
}
