/** Writes a graph as an ONNX file: opset 17, IR 8, and FusedMatMul of com.microsoft for stacks of matrices. */

import { assert, invalid, ModisteError } from "#libs/core/errors.ts";
import { countOf, factorsOf, formatShape, type Shape } from "./dims.ts";
import type { Graph } from "./graph.ts";
import { type DataType, modelBytes, type OnnxNode, tensorFields, valueFields } from "./onnx-messages.ts";
import type { Emitter } from "./primitives/primitive.ts";
import { primitiveOf } from "./primitives/table.ts";
import type { Field } from "./protobuf.ts";
import { constantValues, nameOf, type Tensor } from "./tensor.ts";

export interface OnnxOptions {
  /** Values of parameters that the file is to hold, row-major; the others stay inputs. */
  readonly weights?: Readonly<Record<string, Float32Array>>;
  /** "float64" is for the checking of gradients. */
  readonly precision?: "float32" | "float64";
  readonly producer?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Throws `invalid_argument` when weights are not parameters of the graph or have another size. */
export function checkWeights(graph: Graph, weights: Readonly<Record<string, Float32Array>>): void {
  const byName = new Map(graph.parameters.map((tensor) => [nameOf(tensor), tensor]));
  for (const [name, values] of Object.entries(weights)) {
    const tensor = byName.get(name);
    if (!tensor) throw invalid(name, "weights that no parameter of the graph has", "weights_unknown");
    if (values.length === countOf(tensor.shape)) continue;
    throw invalid(name, `${values.length} weights, expected ${formatShape(tensor.shape)}`, "weights_size");
  }
}

/** What has been written so far. */
class Writer implements Emitter {
  readonly precision: "float32" | "float64";
  readonly initializers: Field[][] = [];
  readonly #nodes: OnnxNode[] = [];
  /** Names of results of nodes, and those that became names of outputs. */
  readonly #made = new Set<string>();
  readonly #renamed = new Map<string, string>();
  readonly #graph: Graph;
  readonly #results = new Map<Tensor, readonly string[]>();
  /** Names of small constants and run-time sizes, each written once. */
  readonly #known = new Map<string, string>();
  readonly #taken: ReadonlySet<string>;
  #count = 0;

  constructor(graph: Graph, precision: "float32" | "float64") {
    this.precision = precision;
    this.#graph = graph;
    this.#taken = new Set([...graph.inputs, ...graph.parameters].map(nameOf).concat(Object.keys(graph.outputs)));
  }

  get floatType(): DataType {
    return this.precision === "float32" ? "float" : "double";
  }

  typeOf(tensor: Tensor): DataType {
    return tensor.kind === "int" ? "int32" : this.floatType;
  }

  #fresh(): string {
    const name = `v${this.#count++}`;
    return this.#taken.has(name) ? this.#fresh() : name;
  }

  #once(key: string, write: () => string): string {
    const name = this.#known.get(key) ?? write();
    this.#known.set(key, name);
    return name;
  }

  set(tensor: Tensor, results: readonly string[]): void {
    this.#results.set(tensor, results);
  }

  name(tensor: Tensor, part = 0): string {
    const name = this.#results.get(tensor)?.[part];
    assert(name, `part ${part} of a ${tensor.op} node has not been written`);
    return name;
  }

  add(operator: string, inputs: readonly string[], attributes = {}, results = 1): string[] {
    const outputs = Array.from({ length: results }, () => this.#fresh());
    this.#nodes.push({ operator, inputs, outputs, attributes });
    for (const name of outputs) this.#made.add(name);
    return outputs;
  }

  initializer(type: DataType, shape: readonly number[], values: ArrayLike<number>, name = this.#fresh()): string {
    this.initializers.push(tensorFields(name, type, shape, values));
    return name;
  }

  float(value: number, shape: readonly number[] = []): string {
    const values = new Float64Array(countOf(shape) as number).fill(value);
    return this.#once(`float ${Object.is(value, -0) ? "-0" : value} ${shape}`, () => this.initializer(this.floatType, shape, values));
  }

  integers(values: readonly number[]): string {
    return this.#once(`integers ${values}`, () => this.initializer("int64", [values.length], values));
  }

  shape(shape: Shape): string {
    const sizes = shape.map((dim) => {
      const { factor, names } = factorsOf(dim);
      const factors = [...(factor === 1 && names.length > 0 ? [] : [this.integers([factor])]), ...names.map((name) => this.#size(name))];
      return factors.reduce((product, next) => this.add("Mul", [product, next])[0]!);
    });
    return this.add("Concat", sizes, { axis: 0 })[0]!;
  }

  /** An int64 vector of one element, read from the shape of an input that has the name as a size. */
  #size(name: string): string {
    const tensor = this.#graph.inputs.find(({ shape }) => shape.includes(name));
    if (!tensor) {
      throw new ModisteError("failed_precondition", "size_unknown", `no input of the graph has the size "${name}" as an axis of its own`);
    }
    const axis = tensor.shape.indexOf(name);
    return this.#once(`size ${name}`, () => this.add("Shape", [nameOf(tensor)], { start: axis, end: axis + 1 })[0]!);
  }

  /** Gives a result the name of an output: by renaming, or by a node of its own where the value has a name that must stay. */
  finish(output: string, tensor: Tensor): void {
    const name = this.name(tensor);
    if (this.#made.has(name) && !this.#renamed.has(name)) this.#renamed.set(name, output);
    else this.#nodes.push({ operator: "Identity", inputs: [name], outputs: [output], attributes: {} });
  }

  /** The nodes with the names of the outputs in place. */
  get nodes(): OnnxNode[] {
    const final = (name: string): string => this.#renamed.get(name) ?? name;
    return this.#nodes.map((node) => ({ ...node, inputs: node.inputs.map(final), outputs: node.outputs.map(final) }));
  }
}

function write(writer: Writer, node: Tensor, weights: Readonly<Record<string, Float32Array>>): void {
  if (node.op === "constant") {
    writer.set(node, [writer.initializer(writer.typeOf(node), node.shape as readonly number[], constantValues(node))]);
  } else if (node.op === "input" || node.op === "parameter") {
    const values = node.op === "parameter" ? weights[nameOf(node)] : undefined;
    if (values) writer.initializer(writer.typeOf(node), node.shape as readonly number[], values, nameOf(node));
    writer.set(node, [nameOf(node)]);
  } else {
    writer.set(node, primitiveOf(node.op).onnx(node, writer));
  }
}

/**
 * The bytes of an ONNX file whose inputs are the graph's inputs and those parameters that have no weights, under their names. Ints are
 * int32. Throws `invalid_argument` for weights that do not fit.
 */
export function exportOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const { weights = {}, precision = "float32", producer = "modiste", metadata = {} } = options;
  checkWeights(graph, weights);
  const writer = new Writer(graph, precision);
  for (const node of graph.nodes) write(writer, node, weights);
  for (const [name, tensor] of Object.entries(graph.outputs)) writer.finish(name, tensor);
  const fed = [...graph.inputs, ...graph.parameters.filter((tensor) => weights[nameOf(tensor)] === undefined)];
  return modelBytes({
    producer,
    metadata,
    nodes: writer.nodes,
    initializers: writer.initializers,
    inputs: fed.map((tensor) => valueFields(nameOf(tensor), writer.typeOf(tensor), tensor.shape)),
    outputs: Object.entries(graph.outputs).map(([name, tensor]) => valueFields(name, writer.floatType, tensor.shape)),
  });
}
