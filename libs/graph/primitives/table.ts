/** THE TABLE of operations. An executor, the exporter and the gradients know no others. */

import { assert } from "#libs/core/errors.ts";
import { elementwise } from "./elementwise.ts";
import { layout } from "./layout.ts";
import { products } from "./matmul.ts";
import { normalise } from "./normalise.ts";
import type { Primitive } from "./primitive.ts";
import { productLogSumExp } from "./product-log-sum-exp.ts";
import { reduce } from "./reduce.ts";
import { rows } from "./rows.ts";

export const primitives: ReadonlyMap<string, Primitive> = new Map(
  [...elementwise, ...reduce, ...layout, ...products, ...normalise, ...rows, productLogSumExp].map((primitive) => [
    primitive.name,
    primitive,
  ]),
);

/** The primitive of a node's `op`, which must be no leaf. */
export function primitiveOf(op: string): Primitive {
  const primitive = primitives.get(op);
  assert(primitive, `"${op}" is not in the table of primitives`);
  return primitive;
}
