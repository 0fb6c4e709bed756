/** Every primitive of the table: values on all executors, gradients in double precision. */

import { beforeAll, describe, expect, it } from "vitest";
import { caseDistance } from "./agreement.fixture.ts";
import { type Case, compositeCases, draw, primitiveCases } from "./cases.fixture.ts";
import { openExecutor } from "./executors/executor.ts";
import type { Executor } from "./executors/session.ts";
import { gradientErrors } from "./float64.fixture.ts";
import { createGraph } from "./graph.ts";
import * as ops from "./ops.ts";
import { primitives } from "./primitives/table.ts";
import { constant, type Tensor } from "./tensor.ts";

const cases = [...primitiveCases, ...compositeCases].map((one): [string, Case] => [`${one.primitive}: ${one.title}`, one]);

/** A loss that no symmetry makes zero: the result times fixed weights, summed. */
function lossOf(result: Tensor): Tensor {
  const count = (result.shape as number[]).reduce((product, size) => product * size, 1);
  const weights = constant(
    Float32Array.from({ length: count }, (_, i) => 1 + ((i * 7) % 5) / 4),
    result.shape as number[],
  );
  return ops.sum(ops.mul(result, weights));
}

describe("primitives", () => {
  const executors: Executor[] = [];
  beforeAll(async () => {
    for (const name of ["onnx", "tfjs-wasm"] as const) executors.push(await openExecutor(name));
  });

  it("have a case each, and no case is of another", () => {
    expect(new Set(primitiveCases.map(({ primitive }) => primitive))).toEqual(new Set(primitives.keys()));
    const used = primitiveCases.map((one) => {
      const nodes = createGraph({ result: one.build(draw(one).inputs) }).nodes;
      return nodes.some(({ op }) => op === one.primitive) ? "" : `${one.primitive}: ${one.title}`;
    });
    expect(used.filter((title) => title !== "")).toEqual([]);
  });

  it.each(cases)("%s: executors agree with the reference", async (_, one) => {
    for (const executor of executors) expect(await caseDistance(executor, one), executor.name).toBeLessThan(1e-5);
  });

  it.each(cases.filter(([, one]) => typeof primitives.get(one.primitive)?.gradient !== "string"))(
    "%s: the gradient is the slope",
    async (_, one) => {
      const drawn = draw(one);
      const loss = lossOf(one.build(drawn.inputs));
      const of = Object.keys(one.floats).map((name) => drawn.inputs[name]!);
      const errors = await gradientErrors(loss, of, { ...drawn.floats, ...drawn.ints });
      for (const { name, relative } of errors) expect(relative, name).toBeLessThan(1e-7);
    },
  );
});
