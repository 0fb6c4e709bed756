/** Sizes of axes: known numbers, or names (and products of them) that are known only when the graph runs. */

import { ModisteError } from "#libs/core/errors.ts";

/** A number, or the name of a size that is known only at run time: "batch", or a product such as "2*batch*candidates". */
export type Dim = number | string;
export type Shape = readonly Dim[];

interface Product {
  readonly factor: number;
  readonly names: readonly string[];
}

const factorPattern = /^(?:[1-9]\d*|[a-zA-Z_]\w*)$/;

/** "[batch, 64]". */
export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** The error of a graph that cannot be: what was put together, and what would have been right. */
export function refuse(op: string, given: string, expected: string): ModisteError {
  return new ModisteError("invalid_argument", "graph_shape", `${op} of ${given}: expected ${expected}`);
}

function parse(dim: Dim): Product {
  if (typeof dim === "number") {
    if (!Number.isInteger(dim) || dim < 0) throw refuse("a shape", String(dim), "sizes that are whole numbers from 0, or names");
    return { factor: dim, names: [] };
  }
  const parts = dim.split("*");
  if (!parts.every((part) => factorPattern.test(part))) throw refuse("a shape", `"${dim}"`, 'names such as "batch" or "batch*candidates"');
  const names = parts.filter((part) => !/^\d/.test(part)).sort();
  const factor = parts.filter((part) => /^\d/.test(part)).reduce((product, part) => product * Number(part), 1);
  return { factor, names };
}

function format({ factor, names }: Product): Dim {
  if (factor === 0 || names.length === 0) return factor;
  return (factor === 1 ? names : [factor, ...names]).join("*");
}

/** One spelling for each size, so that equal ones compare with ===. Throws `invalid_argument` for what is no size. */
export const canonicalDim = (dim: Dim): Dim => format(parse(dim));

/** Number of elements of a shape, as one size. */
export function countOf(shape: Shape): Dim {
  const products = shape.map(parse);
  return format({
    factor: products.reduce((product, { factor }) => product * factor, 1),
    names: products.flatMap(({ names }) => names).sort(),
  });
}

/** The factors of a size: its number and its names. */
export const factorsOf = (dim: Dim): Product => parse(dim);

/** The number behind a size. Throws `invalid_argument` when a name has no value. */
export function resolveDim(dim: Dim, sizes: Readonly<Record<string, number>>): number {
  if (typeof dim === "number") return dim;
  const { factor, names } = parse(dim);
  return names.reduce((product, name) => {
    const size = sizes[name];
    if (size === undefined) throw new ModisteError("invalid_argument", "size_unknown", `the size "${name}" of this run is not known`);
    return product * size;
  }, factor);
}

export const resolveShape = (shape: Shape, sizes: Readonly<Record<string, number>>): number[] => shape.map((dim) => resolveDim(dim, sizes));

export const isStatic = (shape: Shape): shape is readonly number[] => shape.every((dim) => typeof dim === "number");

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** The shape of an elementwise result, by numpy's rule: aligned at the last axis, a 1 stretches. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): Shape {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((dim) => dim !== 1);
    if (dims.some((dim) => dim !== dims[0])) {
      throw refuse(op, shapes.map(formatShape).join(" and "), `shapes that broadcast; they differ in axis ${axis} of the result`);
    }
    return dims[0] ?? 1;
  });
}

/** An axis as a number from 0; negative ones count from the end. Throws `invalid_argument`. */
export function axisOf(op: string, axis: number, shape: Shape): number {
  const from = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(from) || from < 0 || from >= shape.length) {
    throw refuse(op, `${formatShape(shape)} along axis ${axis}`, `an axis from ${-shape.length} to ${shape.length - 1}`);
  }
  return from;
}
