/** Rows of a table by number, and their sum back into a table. */

import { formatShape, isStatic, refuse, sameShape } from "../dims.ts";
import { describeTensor } from "../tensor.ts";
import { definePrimitive, elementCount, emitted, type Primitive } from "./primitive.ts";

/** Inputs table [rows, ...], indices [...]; result [...indices, ...row]. An index outside the table: an error or garbage, by executor. */
const gatherRows = definePrimitive({
  name: "gatherRows",
  infer: (inputs) => {
    const [table, indices] = [inputs[0]!, inputs[1]!];
    if (table.kind !== "float" || table.shape.length === 0 || indices.kind !== "int") {
      throw refuse("gatherRows", `${describeTensor(table)} and ${describeTensor(indices)}`, "a float table with rows, and int indices");
    }
    return { shape: [...indices.shape, ...table.shape.slice(1)], kind: "float" };
  },
  forward: (inputs, _, shape) => {
    const [table, indices] = [inputs[0]!, inputs[1]!];
    const width = elementCount(table.shape.slice(1));
    const result = new Float64Array(elementCount(shape));
    indices.data.forEach((row, i) => {
      result.set(table.data.subarray(row * width, (row + 1) * width), i * width);
    });
    return result;
  },
  gradient: (node, upstream, ops) => {
    const [table, indices] = [node.inputs[0]!, node.inputs[1]!];
    const rows = table.shape[0]!;
    if (typeof rows !== "number") throw refuse("the gradient of gatherRows", describeTensor(table), "a number of rows that is known");
    return [ops.scatterRows(upstream, indices, rows), null];
  },
  onnx: (node, emit) => emit.add("Gather", emitted(node, emit), { axis: 0 }),
  tfjs: (tf, inputs) => tf.gather(inputs[0]!, inputs[1]! as Parameters<typeof tf.gather>[1]),
});

/** Inputs updates [...indices, ...row], indices; attribute rows; result [rows, ...row]: each row the sum of the updates with its number. */
const scatterRows = definePrimitive({
  name: "scatterRows",
  infer: (inputs, attributes) => {
    const [updates, indices] = [inputs[0]!, inputs[1]!];
    const lead = indices.shape.length;
    if (updates.kind !== "float" || indices.kind !== "int" || !sameShape(updates.shape.slice(0, lead), indices.shape)) {
      throw refuse("scatterRows", `${describeTensor(updates)} and ${describeTensor(indices)}`, "float rows for each of int indices");
    }
    const row = updates.shape.slice(lead);
    if (!isStatic(row)) throw refuse("scatterRows", formatShape(updates.shape), "rows of a known size");
    return { shape: [attributes.rows as number, ...row], kind: "float" };
  },
  forward: (inputs, _, shape) => {
    const [updates, indices] = [inputs[0]!, inputs[1]!];
    const width = elementCount(shape.slice(1));
    const result = new Float64Array(elementCount(shape));
    indices.data.forEach((row, i) => {
      for (let column = 0; column < width; column++) result[row * width + column]! += updates.data[i * width + column]!;
    });
    return result;
  },
  gradient: (node, upstream, ops) => [ops.gatherRows(upstream, node.inputs[1]!), null],
  onnx: (node, emit) => {
    const [updates, indices] = emitted(node, emit);
    const [rows, ...row] = node.shape as readonly number[];
    // ScatterND wants int64 (ONNX's type 7), one number per row.
    const wide = emit.add("Cast", [indices!], { to: 7 })[0]!;
    const column = emit.add("Reshape", [wide, emit.integers([-1, 1])])[0]!;
    const flat = emit.add("Reshape", [updates!, emit.integers([-1, ...row])])[0]!;
    const zeros = emit.add("Expand", [emit.float(0), emit.integers([rows!, ...row])])[0]!;
    return emit.add("ScatterND", [zeros, column, flat], { reduction: "add" });
  },
  tfjs: (tf, inputs, _, shape) => {
    const column = tf.reshape(inputs[1]!, [-1, 1]);
    const flat = tf.reshape(inputs[0]!, [-1, ...shape.slice(1)]);
    // Equal indices add up, in TensorFlow and in tfjs' own backends.
    return tf.scatterND(column, flat, [...shape]);
  },
});

export const rows: readonly Primitive[] = [gatherRows, scatterRows];
