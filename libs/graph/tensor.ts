/** Symbolic tensors: immutable nodes of a graph. Their shapes are checked when they are made; nothing is computed. */

import { ModisteError } from "#libs/core/errors.ts";
import { canonicalDim, countOf, type Shape } from "./dims.ts";

export type { Dim, Shape } from "./dims.ts";

/** "bool" comes from comparisons and goes into `where`; inputs are "float" or "int". */
export type Kind = "float" | "int" | "bool";
export type FeedKind = Exclude<Kind, "bool">;

export type Attribute = number | boolean | string | readonly number[] | readonly (number | string)[] | Float32Array | Int32Array;
export type Attributes = Readonly<Record<string, Attribute>>;

/** The leaves; every other `op` is the name of a primitive. */
export const leaves = ["input", "parameter", "constant"] as const;

export interface Tensor {
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly shape: Shape;
  readonly kind: Kind;
}

/** A node as given, its shape in canonical spelling. Use the functions of ops.ts, which check. */
export function createNode(op: string, inputs: readonly Tensor[], attributes: Attributes, shape: Shape, kind: Kind): Tensor {
  return Object.freeze({ op, inputs: Object.freeze([...inputs]), attributes, shape: Object.freeze(shape.map(canonicalDim)), kind });
}

function checkName(role: string, name: string): void {
  if (!/^[a-zA-Z_][\w./-]*$/.test(name)) {
    throw new ModisteError(
      "invalid_argument",
      "graph_name",
      `${role} "${name}": a name starts with a letter and has letters, digits, _ . / -`,
    );
  }
}

/** A value that is fed at every run. Sizes may be names. */
export function input(name: string, shape: Shape, kind: FeedKind = "float"): Tensor {
  checkName("input", name);
  return createNode("input", [], { name }, shape, kind);
}

/** A trained weight: fed at every run, unless the session or the exported file was given its values. */
export function parameter(name: string, shape: readonly number[]): Tensor {
  checkName("parameter", name);
  return createNode("parameter", [], { name }, shape, "float");
}

/** Fixed values, row-major: a number (shape [] unless said otherwise), or an array (shape [length] unless said otherwise). */
export function constant(values: Float32Array | Int32Array | number, shape?: readonly number[]): Tensor {
  const single = typeof values === "number";
  const target = shape ?? (single ? [] : [values.length]);
  const count = countOf(target) as number;
  if (!single && values.length !== count) {
    throw new ModisteError(
      "invalid_argument",
      "graph_shape",
      `constant of ${values.length} values: expected ${count} for [${target.join(", ")}]`,
    );
  }
  const kind = values instanceof Int32Array ? "int" : "float";
  // A number is kept in double precision: 1/3 must not be rounded to float32 in a float64 graph.
  if (single) return createNode("constant", [], { value: values }, target, kind);
  return createNode("constant", [], { values }, target, kind);
}

/** Name of an input or a parameter. */
export const nameOf = (leaf: Tensor): string => leaf.attributes.name as string;

/** Values of a constant, as many as its shape says. */
export function constantValues(leaf: Tensor): Float64Array | Float32Array | Int32Array {
  const { value, values } = leaf.attributes;
  if (values !== undefined) return values as Float32Array | Int32Array;
  return new Float64Array(countOf(leaf.shape) as number).fill(value as number);
}

/** "float [batch, 64]", for messages. */
export const describeTensor = (tensor: Tensor): string => `${tensor.kind === "float" ? "" : `${tensor.kind} `}[${tensor.shape.join(", ")}]`;
