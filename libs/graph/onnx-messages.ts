/** ONNX's messages (onnx.proto3 of IR 8) as protobuf fields: nodes, tensors, inputs and outputs, the model. */

import type { Shape } from "./dims.ts";
import type { OnnxAttribute } from "./primitives/primitive.ts";
import { bytesField, type Field, floatField, integerField, integersField, message, messageField, textField } from "./protobuf.ts";

/** TensorProto.DataType. */
export const dataTypes = { float: 1, int32: 6, int64: 7, double: 11 } as const;
export type DataType = keyof typeof dataTypes;

/** A node; an operator of another domain than ONNX's own is written "domain:Name". */
export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

// AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (FLOAT 1, INT 2, STRING 3, INTS 7).
function attributeFields(name: string, value: OnnxAttribute): Field[] {
  if (typeof value === "number") return [textField(1, name), integerField(3, value), integerField(20, 2)];
  if (typeof value === "string") return [textField(1, name), textField(4, value), integerField(20, 3)];
  if ("float" in value) return [textField(1, name), floatField(2, value.float), integerField(20, 1)];
  return [textField(1, name), integersField(8, value), integerField(20, 7)];
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
export function nodeFields({ operator, inputs, outputs, attributes }: OnnxNode): Field[] {
  const [domain, type] = operator.includes(":") ? operator.split(":") : ["", operator];
  return [
    ...inputs.map((name) => textField(1, name)),
    ...outputs.map((name) => textField(2, name)),
    textField(3, `${type} ${outputs[0]}`),
    textField(4, type!),
    ...Object.entries(attributes).map(([name, value]) => messageField(5, attributeFields(name, value))),
    textField(7, domain!),
  ];
}

const typed = {
  float: Float32Array,
  double: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
} as const;

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9 (little endian). */
export function tensorFields(name: string, type: DataType, shape: readonly number[], values: ArrayLike<number>): Field[] {
  const data = type === "int64" ? BigInt64Array.from(Array.from(values), BigInt) : typed[type as "float"].from(values);
  return [
    integersField(1, shape),
    integerField(2, dataTypes[type]),
    textField(8, name),
    bytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  ];
}

/** ValueInfoProto: name 1, type 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { dim_value 1 | dim_param 2 } } } }. */
export function valueFields(name: string, type: DataType, shape: Shape): Field[] {
  const dims = shape.map((dim) => messageField(1, [typeof dim === "number" ? integerField(1, dim) : textField(2, dim)]));
  const tensor = messageField(1, [integerField(1, dataTypes[type]), messageField(2, dims)]);
  return [textField(1, name), messageField(2, [tensor])];
}

export interface ModelParts {
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly OnnxNode[];
  /** Fields of initializers, inputs and outputs, as the functions above make them. */
  readonly initializers: readonly Field[][];
  readonly inputs: readonly Field[][];
  readonly outputs: readonly Field[][];
}

/** ModelProto: ir_version 1, producer_name 2, graph 7 { node 1, name 2, initializer 5, input 11, output 12 }, opset_import 8,
 *  metadata_props 14. */
export function modelBytes({ producer, metadata, nodes, initializers, inputs, outputs }: ModelParts): Uint8Array {
  const graph = [
    ...nodes.map((node) => messageField(1, nodeFields(node))),
    textField(2, "graph"),
    ...initializers.map((fields) => messageField(5, fields)),
    ...inputs.map((fields) => messageField(11, fields)),
    ...outputs.map((fields) => messageField(12, fields)),
  ];
  const opset = (domain: string, version: number): Field => messageField(8, [textField(1, domain), integerField(2, version)]);
  return message([
    // IR 8 with opset 17 is the pair that ONNX 1.12 defined; LayerNormalization came with it.
    integerField(1, 8),
    textField(2, producer),
    messageField(7, graph),
    opset("", 17),
    opset("com.microsoft", 1),
    ...Object.entries(metadata).map(([name, value]) => messageField(14, [textField(1, name), textField(2, value)])),
  ]);
}
