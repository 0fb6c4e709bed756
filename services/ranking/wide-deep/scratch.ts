/** Large arrays that one request after the other uses: new ones of half a megabyte cost more than what is written into them. */

/** Most that is kept: as many requests as are usually under way together. */
const keptMax = 4;

export interface Scratch {
  /** An array of the length, of any values; the taker's own until it is given back, which may be forgotten. */
  take(length: number): Float32Array;
  give(values: Float32Array): void;
}

export function createScratch(): Scratch {
  const kept: Float32Array[] = [];
  return {
    take: (length) => {
      const found = kept.pop();
      if (found && found.buffer.byteLength >= length * 4) return new Float32Array(found.buffer, 0, length);
      return new Float32Array(length);
    },
    give: (values) => {
      if (kept.length < keptMax) kept.push(values);
    },
  };
}
