/** What an operation must say of itself: one entry of the table in table.ts. */

import type * as tfjs from "@tensorflow/tfjs-core";
import { refuse } from "../dims.ts";
import type * as ops from "../ops.ts";
import { type Attributes, describeTensor, type Kind, type Shape, type Tensor } from "../tensor.ts";

export type Ops = typeof ops;
export type Tfjs = typeof tfjs;
export type TfTensor = tfjs.Tensor;

/** A value of the reference executor, row-major; integers and truth values (0, 1) are kept as doubles too. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

/** Writes nodes of an ONNX graph. */
export interface Emitter {
  readonly precision: "float32" | "float64";
  /** Name of what a tensor of this graph was written as; `part` counts its further results from 1. */
  name(tensor: Tensor, part?: number): string;
  /** Adds a node and names its results. An operator of "com.microsoft" is written as "com.microsoft:Name". */
  add(operator: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>, results?: number): string[];
  /** A float constant of the graph's precision, of shape [] unless `shape` says otherwise. */
  float(value: number, shape?: readonly number[]): string;
  /** A constant int64 vector. */
  integers(values: readonly number[]): string;
  /** An int64 vector with a shape, computed at run time where sizes are names. */
  shape(shape: Shape): string;
}

export interface Primitive {
  readonly name: string;
  /** Shape and kind of the result. Throws `invalid_argument` naming the operation, its shapes and what was expected. */
  infer(inputs: readonly Tensor[], attributes: Attributes): { readonly shape: Shape; readonly kind: Kind };
  /** The reference: plain double arithmetic. `shape` is that of the result, names resolved. */
  forward(inputs: readonly Value[], attributes: Attributes, shape: readonly number[]): Float64Array;
  /**
   * The gradient with regard to each input, as nodes: null where it is zero. "none": zero everywhere; "once": this is itself part of a
   * gradient and is not derived again.
   */
  readonly gradient: "none" | "once" | ((node: Tensor, upstream: Tensor, ops: Ops) => readonly (Tensor | null)[]);
  /** Writes the node; the first name is its result, others are parts for `Emitter.name`. */
  onnx(node: Tensor, emit: Emitter): readonly string[];
  /** The same in tfjs. `shape` is that of the result; intermediate tensors are disposed of by the caller's tidy. */
  tfjs(tf: Tfjs, inputs: readonly TfTensor[], attributes: Attributes, shape: readonly number[]): TfTensor;
}

/** An entry of the table. `inputs[i]` of an entry is checked by its `infer`, so entries index without fear. */
export const definePrimitive = (primitive: Primitive): Primitive => Object.freeze(primitive);

/** Names of all inputs of a node, as written. */
export const emitted = (node: Tensor, emit: Emitter): string[] => node.inputs.map((tensor) => emit.name(tensor));

/** Throws `invalid_argument` unless there are `count` inputs, all floats. */
export function requireFloats(op: string, inputs: readonly Tensor[], count = inputs.length): void {
  if (inputs.length !== count || inputs.some(({ kind }) => kind !== "float")) {
    throw refuse(op, inputs.map(describeTensor).join(" and "), `${count} float tensor${count === 1 ? "" : "s"}`);
  }
}

/** Row-major strides of a shape. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** For each position of `shape` in row-major order: offset + the sum of index x stride. Every view of an array is one of these. */
export function positions(shape: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  const result = new Int32Array(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  let at = offset;
  for (let i = 0; i < result.length; i++) {
    result[i] = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      at -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Where each element of the broadcast `shape` comes from in an array of shape `from`. */
export function broadcastPositions(shape: readonly number[], from: readonly number[]): Int32Array {
  const lead = shape.length - from.length;
  const strides = stridesOf(from);
  return positions(
    shape,
    shape.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : strides[axis - lead]!)),
  );
}
