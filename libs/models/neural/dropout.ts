/** Masks of dropout, cut from one pool of precomputed values: drawing them anew would cost more than the step. */

import { createRandom, type Random } from "#libs/core/random.ts";
import type { Graph } from "#libs/graph/graph.ts";
import { nameOf } from "#libs/graph/tensor.ts";

export interface DropoutPool {
  /** A feed for each place of dropout in the graph. */
  draw(random: Random): Record<string, Float32Array>;
}

/** Values in the pool, 32 MiB at most, unless the largest mask needs more; a small network's is as large as its masks of so many steps. */
const poolCount = 1 << 23;
const poolSteps = 64;
/** Masks start at multiples of a cache line. */
const alignment = 16;

/** Null where the graph has no dropout. Inverted dropout (Srivastava et al., JMLR 2014, section 10): 0, or 1 / (1 - share). */
export function createDropoutPool(graph: Graph, share: number, seed: number): DropoutPool | null {
  const places = graph.inputs
    .filter((tensor) => nameOf(tensor).startsWith("dropout/"))
    .map((tensor) => ({ name: nameOf(tensor), count: tensor.shape.reduce<number>((product, dim) => product * (dim as number), 1) }));
  if (places.length === 0) return null;
  const counts = places.map(({ count }) => count);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const pool = new Float32Array(Math.max(Math.min(poolCount, poolSteps * total), 2 * Math.max(...counts)));
  const random = createRandom(seed, "dropout");
  const kept = 1 / (1 - share);
  for (let i = 0; i < pool.length; i++) pool[i] = random.next() < share ? 0 : kept;
  return {
    draw: ({ below }) =>
      Object.fromEntries(
        places.map(({ name, count }) => {
          const start = below(Math.floor((pool.length - count) / alignment) + 1) * alignment;
          return [name, pool.subarray(start, start + count)];
        }),
      ),
  };
}
