/** The k best of many scores, exactly, ties broken by the lower position. */

export interface Top {
  /** Best first. */
  readonly positions: Int32Array;
  /** Aligned with `positions`. */
  readonly scores: Float32Array;
}

/** Keeps the k best of what it is offered; positions must be offered once each. */
export interface TopCollector {
  /** A score below the threshold, or equal to it at a higher position, changes nothing. -Infinity until k are held. */
  threshold(): number;
  offer(position: number, score: number): void;
  /** Sorts and empties. */
  take(): Top;
}

/** A binary heap with the worst at its root; an offer costs O(1) when refused, else O(log k). Scores are kept as 32-bit floats. */
export function createTopCollector(k: number): TopCollector {
  const scores = new Float32Array(k);
  const positions = new Int32Array(k);
  let size = 0;

  const worse = (a: number, b: number): boolean => (scores[a]! !== scores[b]! ? scores[a]! < scores[b]! : positions[a]! > positions[b]!);
  const swap = (a: number, b: number): void => {
    const score = scores[a]!;
    const position = positions[a]!;
    scores[a] = scores[b]!;
    positions[a] = positions[b]!;
    scores[b] = score;
    positions[b] = position;
  };
  const siftUp = (start: number): void => {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!worse(at, parent)) return;
      swap(at, parent);
      at = parent;
    }
  };
  const siftDown = (): void => {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const child = left + 1 < size && worse(left + 1, left) ? left + 1 : left;
      if (!worse(child, at)) return;
      swap(child, at);
      at = child;
    }
  };

  return {
    threshold: () => (size < k ? Number.NEGATIVE_INFINITY : k === 0 ? Number.POSITIVE_INFINITY : scores[0]!),
    offer: (position, score) => {
      if (k === 0) return;
      const rounded = Math.fround(score);
      if (size < k) {
        scores[size] = rounded;
        positions[size] = position;
        siftUp(size++);
        return;
      }
      if (rounded < scores[0]! || (rounded === scores[0]! && position > positions[0]!)) return;
      scores[0] = rounded;
      positions[0] = position;
      siftDown();
    },
    take: () => {
      const top = sortTop(positions.subarray(0, size), scores.subarray(0, size));
      size = 0;
      return top;
    },
  };
}

/** Best first, ties by the lower position. */
export function sortTop(positions: Int32Array, scores: Float32Array): Top {
  const order = Uint32Array.from(positions.keys()).sort((a, b) => scores[b]! - scores[a]! || positions[a]! - positions[b]!);
  return {
    positions: Int32Array.from(order, (at) => positions[at]!),
    scores: Float32Array.from(order, (at) => scores[at]!),
  };
}

/** The k best positions of `scores`; scores of -Infinity and NaN are never among them. O(n + k log k) in practice. */
export function topK(scores: Float32Array | Float64Array, k: number): Top {
  const collector = createTopCollector(Math.min(k, scores.length));
  for (let position = 0; position < scores.length; position++) {
    const score = scores[position]!;
    // NaN fails every comparison, and so never passes.
    if (score >= collector.threshold() && score > Number.NEGATIVE_INFINITY) collector.offer(position, score);
  }
  return collector.take();
}
