/** Runs graphs and saved models with ONNX Runtime: the executor of serving, and of training on CPUs. */

import type * as Runtime from "onnxruntime-node";
import { ModisteError } from "#libs/core/errors.ts";
import { canonicalDim, formatShape, resolveShape, type Shape, sameShape } from "../dims.ts";
import { exportOnnx } from "../onnx.ts";
import { feedOf, type Slot, sizesOf, slotsOf } from "./feeds.ts";
import type { Executor, Feeds, FeedValues, Session, Sizes } from "./session.ts";

type Ort = typeof Runtime;

const elementTypes = { float: "float32", int: "int32", double: "float64" } as const;

/** Throws `failed_precondition` where the package is missing or has no binary for this machine. */
async function loadRuntime(): Promise<Ort> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new ModisteError("failed_precondition", "executor_missing", "onnxruntime-node cannot be loaded: npm install onnxruntime-node", {
      cause,
    });
  }
}

/** What computes: the processor, or what a driver of this machine gives. */
export type OnnxProvider = "cpu" | "cuda" | "webgpu";

function sessionOptions(threads: number, provider: OnnxProvider = "cpu"): Runtime.InferenceSession.SessionOptions {
  return {
    // What a provider has no kernel for falls back to the processor by itself.
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    logSeverityLevel: 3,
    // Spinning burns the neighbours' cores; denormals, which weights of dead units become, cost up to a hundred times a normal product.
    extra: { "session.intra_op.allow_spinning": "0", "session.set_denormal_as_zero": "1" },
  };
}

interface Wrapped {
  readonly tensor: Runtime.Tensor;
  /** What the tensor wraps in place of a feed in shared memory. */
  readonly copy: FeedValues | null;
}

interface OutputSlot {
  readonly name: string;
  readonly shape: Shape;
}

/** A session whose slots are known. `Values` is Float64Array for files in double precision. */
class OnnxSession<Values extends Float32Array | Float64Array> implements Session<Values> {
  readonly executor = "onnx";
  readonly #ort: Ort;
  readonly #session: Runtime.InferenceSession;
  readonly #slots: readonly Slot[];
  readonly #outputs: readonly OutputSlot[];
  /** A tensor wraps its array, so it is made once for each array; a shape that changed asks for a new one. */
  readonly #wrapped = new WeakMap<FeedValues, Wrapped>();

  constructor(ort: Ort, session: Runtime.InferenceSession, slots: readonly Slot[], outputs: readonly OutputSlot[]) {
    this.#ort = ort;
    this.#session = session;
    this.#slots = slots;
    this.#outputs = outputs;
  }

  #wrap(slot: Slot, values: FeedValues, sizes: Sizes): Runtime.Tensor {
    const dims = resolveShape(slot.shape, sizes);
    const known = this.#wrapped.get(values);
    if (known && sameShape(known.tensor.dims, dims)) {
      known.copy?.set(values);
      return known.tensor;
    }
    // The runtime takes no shared memory ("Invalid argument"): such a feed is copied, at every run.
    const copy = values.buffer instanceof SharedArrayBuffer ? values.slice() : null;
    const tensor = new this.#ort.Tensor(elementTypes[slot.kind], (copy ?? values) as Float32Array, dims);
    this.#wrapped.set(values, { tensor, copy });
    return tensor;
  }

  async run(feeds: Feeds, sizes: Sizes = {}): Promise<Readonly<Record<string, Values>>> {
    const known = sizesOf(this.#slots, feeds, sizes);
    const wrapped = Object.fromEntries(this.#slots.map((slot) => [slot.name, this.#wrap(slot, feedOf(slot, feeds), known)]));
    const results = await this.#session.run(wrapped);
    return Object.fromEntries(this.#outputs.map(({ name }) => [name, results[name]!.data as Values]));
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

export const onnxExecutor: Executor = {
  name: "onnx",
  open: async (graph, { threads, weights = {} }) => {
    const ort = await loadRuntime();
    const session = await ort.InferenceSession.create(exportOnnx(graph, { weights }), sessionOptions(threads));
    const outputs = Object.entries(graph.outputs).map(([name, { shape }]) => ({ name, shape }));
    return new OnnxSession<Float32Array>(ort, session, slotsOf(graph, weights), outputs);
  },
};

export interface OnnxModelOptions {
  readonly threads: number;
  /** Default: cpu. */
  readonly provider?: OnnxProvider;
  /** What the file must take and give, by name; a file that differs in a name, a type or a shape is refused. */
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly outputs: Readonly<Record<string, Shape>>;
}

type Precision = "float32" | "float64";

/** The kind of slot of an element type; undefined for what a file of that precision must not have. */
function kindOf(type: string, precision: Precision): Slot["kind"] | undefined {
  if (type === "int32") return "int";
  if (type !== precision) return undefined;
  return precision === "float32" ? "float" : "double";
}

/** The slots of one side of a file. Throws `data_loss` naming what differs from `expected`. */
function checkSide(
  side: string,
  precision: Precision,
  found: readonly Runtime.InferenceSession.ValueMetadata[],
  expected: Readonly<Record<string, Shape>>,
): Slot[] {
  const wrong = (name: string, what: string) =>
    new ModisteError("data_loss", "onnx_model_differs", `ONNX model: ${side} "${name}" ${what}`);
  const slots = found.map((value) => {
    const kind = value.isTensor ? kindOf(value.type, precision) : undefined;
    if (!value.isTensor || !kind) throw wrong(value.name, `has the type ${value.isTensor ? value.type : "of no tensor"}`);
    return { name: value.name, kind, shape: value.shape.map((dim) => (typeof dim === "number" ? dim : canonicalDim(dim))) };
  });
  for (const [name, shape] of Object.entries(expected)) {
    const slot = slots.find((other) => other.name === name);
    if (!slot) throw wrong(name, `is missing; it has ${slots.map((other) => other.name).join(", ")}`);
    if (!sameShape(slot.shape, shape.map(canonicalDim))) throw wrong(name, `is ${formatShape(slot.shape)}, expected ${formatShape(shape)}`);
  }
  const surplus = slots.find(({ name }) => expected[name] === undefined);
  if (surplus) throw wrong(surplus.name, "is not expected");
  return slots;
}

async function openFile<Values extends Float32Array | Float64Array>(
  bytes: Uint8Array,
  { threads, provider = "cpu", inputs, outputs }: OnnxModelOptions,
  precision: Precision,
): Promise<Session<Values>> {
  const ort = await loadRuntime();
  const session = await ort.InferenceSession.create(bytes, sessionOptions(threads, provider)).catch((cause: unknown) => {
    if (provider !== "cpu") {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ModisteError("failed_precondition", "provider_missing", `ONNX Runtime cannot open a session on ${provider}: ${why}`, {
        cause,
      });
    }
    throw new ModisteError("data_loss", "onnx_model_broken", `ONNX Runtime cannot load this model of ${bytes.length} bytes`, { cause });
  });
  const slots = checkSide("input", precision, session.inputMetadata, inputs);
  return new OnnxSession<Values>(ort, session, slots, checkSide("output", precision, session.outputMetadata, outputs));
}

/**
 * Opens a saved forward graph. Throws `data_loss` when the bytes are no model, or another one than was asked for, `failed_precondition` where the
 * provider is missing.
 */
export const openOnnxModel = async (bytes: Uint8Array, options: OnnxModelOptions): Promise<Session> =>
  openFile<Float32Array>(bytes, options, "float32");

/** The same for a file in double precision: floats are Float64Array, in and out. */
export const openDoubleModel = async (bytes: Uint8Array, options: OnnxModelOptions): Promise<Session<Float64Array>> =>
  openFile<Float64Array>(bytes, options, "float64");
