/** Gradients against central differences, in double precision by ONNX Runtime: in single precision rounding alone shows 20 %. */

import { createRandom } from "#libs/core/random.ts";
import { openDoubleModel } from "./executors/onnx.ts";
import type { Session } from "./executors/session.ts";
import { createGraph, type Graph, gradients } from "./graph.ts";
import { exportOnnx } from "./onnx.ts";
import { nameOf, type Tensor } from "./tensor.ts";

const shapesOf = (tensors: readonly Tensor[]) => Object.fromEntries(tensors.map((tensor) => [nameOf(tensor), tensor.shape]));

export async function openDouble(graph: Graph): Promise<Session<Float64Array>> {
  const outputs = Object.fromEntries(Object.entries(graph.outputs).map(([name, { shape }]) => [name, shape]));
  const inputs = shapesOf([...graph.inputs, ...graph.parameters]);
  return openDoubleModel(exportOnnx(graph, { precision: "float64" }), { threads: 1, inputs, outputs });
}

export interface GradientError {
  readonly name: string;
  /** |gradient - difference| / max(1e-3, |difference|), the worst over the directions. */
  readonly relative: number;
}

/**
 * Compares the directional derivatives of a loss [] with regard to `of` along random directions. Steps of 1e-5 of values near 1 leave an
 * error of 1e-10 by the cube of the step and 1e-11 by rounding.
 */
export async function gradientErrors(
  loss: Tensor,
  of: readonly Tensor[],
  feeds: Readonly<Record<string, Float64Array | Int32Array>>,
  directions = 3,
): Promise<readonly GradientError[]> {
  const parts = gradients(loss, of);
  const session = await openDouble(createGraph({ loss, ...Object.fromEntries(parts.map((part, i) => [`d${i}`, part])) }));
  const found = await session.run(feeds);
  const result: GradientError[] = [];
  for (const [i, tensor] of of.entries()) {
    const name = nameOf(tensor);
    const values = feeds[name] as Float64Array;
    const random = createRandom(i, name);
    let worst = 0;
    for (let direction = 0; direction < directions; direction++) {
      const along = Float64Array.from(values, () => random.normal());
      const lossAt = async (step: number): Promise<number> => {
        const moved = values.map((value, j) => value + step * along[j]!);
        return (await session.run({ ...feeds, [name]: moved })).loss![0]!;
      };
      const step = 1e-5;
      const difference = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      const claimed = found[`d${i}`]!.reduce((sum, part, j) => sum + part * along[j]!, 0);
      worst = Math.max(worst, Math.abs(claimed - difference) / Math.max(1e-3, Math.abs(difference)));
    }
    result.push({ name, relative: worst });
  }
  await session.close();
  return result;
}
