import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { placeNegatives, type SoftmaxBlocks, softmaxTask } from "#libs/sparse/softmax-block.ts";
import { createArena, openKernels } from "#libs/sparse/wasm.ts";

const [d, nodes, batch, count] = [8, 20, 6, 16];
const users = Int32Array.of(0, 1, 2, 3, 0, 1);
const positives = Int32Array.of(4, 5, 6, 7, 8, 4);
/** Among them positives of the batch, which must not count against their own pair. */
const negatives = Int32Array.from({ length: count }, (_, n) => 4 + n);

/** Summed loss over the batch in double precision. */
function reference(z: Float64Array, unit: boolean, temperature: number): number {
  const vector = (node: number): number[] => {
    const row = Array.from(z.subarray(node * d, (node + 1) * d));
    const length = unit ? Math.hypot(...row) : 1;
    return row.map((value) => value / length);
  };
  const product = (a: number, b: number): number => {
    const other = vector(b);
    return vector(a).reduce((sum, value, c) => sum + value * other[c]!, 0) / temperature;
  };
  let loss = 0;
  users.forEach((user, pair) => {
    const positive = product(user, positives[pair]!);
    let sum = Math.exp(positive);
    for (const negative of negatives) if (negative !== positives[pair]) sum += Math.exp(product(user, negative));
    loss += Math.log(sum) - positive;
  });
  return loss;
}

/** Loss and gradient of the mean loss by the kernels, in tasks of four pairs. */
function byKernels(z: Float32Array, unit: 0 | 1, temperature: number): { loss: number; grad: Float32Array } {
  const arena = createArena();
  const kernels = openKernels(arena.memory);
  const [pairsPerTask, tasks] = [4, 2];
  const matrix = (rows: number) => arena.float32(rows * d).at;
  const blocks: SoftmaxBlocks = {
    users: arena.copyInt32(users).at,
    positives: arena.copyInt32(positives).at,
    negatives: arena.copyInt32(negatives).at,
    x: matrix(batch),
    y: matrix(batch),
    xLengths: arena.float32(batch).at,
    yLengths: arena.float32(batch).at,
    gradX: matrix(batch),
    gradY: matrix(batch),
    negative: matrix(count),
    negativeLengths: arena.float32(count).at,
    negativeRows: matrix(count),
    negativeColumns: matrix(count),
    negativeSums: matrix(tasks * count),
    logits: arena.float32(tasks * pairsPerTask * count).at,
    scratch: arena.float32(tasks * pairsPerTask * (d + 1)).at,
    batch,
    count,
    unit,
    pairsPerTask,
    pairsPerGroup: 8,
    inverse: 1 / temperature,
  };
  const zAt = arena.copyFloat32(z).at;
  const grad = arena.float32(nodes * d);
  placeNegatives(kernels, arena.memory.buffer, d, blocks, zAt, 0);
  const loss = softmaxTask(kernels, arena.memory.buffer, d, blocks, zAt, 0) + softmaxTask(kernels, arena.memory.buffer, d, blocks, zAt, 1);
  kernels.scatterRows(blocks.users, batch, blocks.gradX, grad.at, d);
  kernels.scatterRows(blocks.positives, batch, blocks.gradY, grad.at, d);
  for (let task = 0; task < tasks; task++)
    kernels.scatterRows(blocks.negatives, count, blocks.negativeSums + task * count * d * 4, grad.at, d);
  return { loss, grad: grad.values };
}

describe("sampled softmax", () => {
  const random = createRandom(6, "softmax");
  const z = Float32Array.from({ length: nodes * d }, () => random.normal());

  it.each([
    ["cosine", 1, 0.2],
    ["product", 0, 1.5],
  ] as const)("by %s has the reference's loss, and its gradient equals finite differences", (_, unit, temperature) => {
    const { loss, grad } = byKernels(z, unit, temperature);
    expect(loss).toBeCloseTo(reference(Float64Array.from(z), unit === 1, temperature), 3);
    for (let i = 0; i < z.length; i += 3) {
      const [up, down] = [Float64Array.from(z), Float64Array.from(z)];
      up[i]! += 1e-5;
      down[i]! -= 1e-5;
      const slope = (reference(up, unit === 1, temperature) - reference(down, unit === 1, temperature)) / 2e-5;
      expect(grad[i]! * batch).toBeCloseTo(slope, 3);
    }
  });
});
