/** Walks a graph with tfjs: on libtensorflow (CPU or GPU) by its native addon, and on WebAssembly for tests. */

import type * as tfjs from "@tensorflow/tfjs-core";
import { ModisteError } from "#libs/core/errors.ts";
import { isStatic, resolveShape } from "../dims.ts";
import type { Graph } from "../graph.ts";
import { checkWeights } from "../onnx.ts";
import { primitiveOf } from "../primitives/table.ts";
import { constantValues, nameOf, type Tensor } from "../tensor.ts";
import { feedOf, type Slot, sizesOf, slotsOf } from "./feeds.ts";
import type { Executor, Feeds, FeedValues, OpenOptions, Session, Sizes } from "./session.ts";

type Tfjs = typeof tfjs;

interface Flavour {
  readonly backend: string;
  /** The first one is the namespace; others register themselves when they are imported. */
  readonly packages: readonly string[];
  readonly install: string;
  readonly native: boolean;
}

const flavours = {
  "tfjs-cpu": { backend: "tensorflow", packages: ["@tensorflow/tfjs-node"], install: "npm run tfjs:install", native: true },
  "tfjs-gpu": { backend: "tensorflow", packages: ["@tensorflow/tfjs-node-gpu"], install: "npm run tfjs:install -- --gpu", native: true },
  "tfjs-wasm": {
    backend: "wasm",
    packages: ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"],
    install: "npm install --no-save @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0",
    native: false,
  },
} as const satisfies Readonly<Record<string, Flavour>>;

export type TfjsName = keyof typeof flavours;

/** From this one on, Node lacks `util.isNullOrUndefined`, which tfjs-node 4.22 calls. */
const nodeMajorUnsupported = 23;

async function loadTfjs(name: TfjsName): Promise<Tfjs> {
  const { backend, packages, install, native } = flavours[name];
  const major = Number(process.versions.node.split(".")[0]);
  if (native && major >= nodeMajorUnsupported) {
    throw new ModisteError(
      "failed_precondition",
      "executor_unsupported",
      `${name}: tfjs-node 4.22 does not run on Node ${major}; use Node 20 or 22, or the executor "onnx"`,
    );
  }
  try {
    const [namespace] = await Promise.all(packages.map(async (path): Promise<Partial<Tfjs> & { default?: Tfjs }> => import(path)));
    // A CommonJS package shows its names under `default` when Node cannot tell them beforehand.
    const tf = namespace!.tidy ? (namespace as Tfjs) : namespace!.default!;
    if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} did not start`);
    await tf.ready();
    return tf;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new ModisteError("failed_precondition", "executor_missing", `${name} cannot be loaded (${reason}); run: ${install}`, { cause });
  }
}

/** A graph made ready: each node with its inputs as numbers, and what may go once it is computed. */
interface Step {
  readonly node: Tensor;
  readonly inputs: readonly number[];
  /** Numbers of the nodes that no later step reads. */
  readonly spent: readonly number[];
}

function plan(graph: Graph): Step[] {
  const numbers = new Map(graph.nodes.map((node, i) => [node, i]));
  const inputs = graph.nodes.map((node) => node.inputs.map((tensor) => numbers.get(tensor)!));
  const last = graph.nodes.map((_, i) => i);
  for (const [i, used] of inputs.entries()) for (const j of used) last[j] = i;
  for (const tensor of Object.values(graph.outputs)) last[numbers.get(tensor)!] = graph.nodes.length;
  const spent = graph.nodes.map((): number[] => []);
  for (const [j, i] of last.entries()) spent[i]?.push(j);
  return graph.nodes.map((node, i) => ({ node, inputs: inputs[i]!, spent: spent[i]! }));
}

class TfjsSession implements Session {
  readonly executor: TfjsName;
  readonly #tf: Tfjs;
  readonly #graph: Graph;
  readonly #steps: readonly Step[];
  readonly #slots: readonly Slot[];
  /** Constants and weights, which live as long as the session. */
  readonly #fixed = new Map<Tensor, tfjs.Tensor>();

  constructor(name: TfjsName, tf: Tfjs, graph: Graph, weights: Readonly<Record<string, Float32Array>>) {
    this.executor = name;
    this.#tf = tf;
    this.#graph = graph;
    this.#steps = plan(graph);
    this.#slots = slotsOf(graph, weights);
    for (const node of graph.nodes) {
      const values = node.op === "constant" ? constantValues(node) : node.op === "parameter" ? weights[nameOf(node)] : undefined;
      if (values) this.#fixed.set(node, this.#upload(node, values, {}));
    }
  }

  #upload(node: Tensor, values: FeedValues, sizes: Sizes): tfjs.Tensor {
    const single = values instanceof Float64Array ? Float32Array.from(values) : values;
    return this.#tf.tensor(single, resolveShape(node.shape, sizes), node.kind === "int" ? "int32" : "float32");
  }

  #compute({ node, inputs }: Step, values: readonly (tfjs.Tensor | undefined)[], feeds: Feeds, sizes: Sizes): tfjs.Tensor {
    if (node.inputs.length === 0) return this.#fixed.get(node) ?? this.#upload(node, feeds[nameOf(node)]!, sizes);
    const shape = isStatic(node.shape) ? node.shape : resolveShape(node.shape, sizes);
    const ready = inputs.map((i) => values[i]!);
    // Only ever a tensor comes out of a tidy: it would walk each element of a typed array.
    return this.#tf.tidy(() => primitiveOf(node.op).tfjs(this.#tf, ready, node.attributes, shape));
  }

  async run(feeds: Feeds, sizes: Sizes = {}): Promise<Readonly<Record<string, Float32Array>>> {
    const known = sizesOf(this.#slots, feeds, sizes);
    for (const slot of this.#slots) feedOf(slot, feeds);
    // Another session of this process may have chosen another backend.
    await this.#tf.setBackend(flavours[this.executor].backend);
    const values: (tfjs.Tensor | undefined)[] = [];
    const dispose = (i: number): void => {
      if (!this.#fixed.has(this.#graph.nodes[i]!)) values[i]?.dispose();
      values[i] = undefined;
    };
    try {
      for (const [i, step] of this.#steps.entries()) {
        values[i] = this.#compute(step, values, feeds, known);
        step.spent.forEach(dispose);
      }
      // Both native and WebAssembly backends compute at once, so reading them waits for nothing.
      return Object.fromEntries(
        Object.entries(this.#graph.outputs).map(([name, tensor]) => [
          name,
          values[this.#graph.nodes.indexOf(tensor)]!.dataSync<"float32">(),
        ]),
      );
    } finally {
      for (const i of values.keys()) dispose(i);
    }
  }

  async close(): Promise<void> {
    for (const tensor of this.#fixed.values()) tensor.dispose();
    this.#fixed.clear();
  }
}

export const tfjsExecutor = (name: TfjsName): Executor => ({
  name,
  open: async (graph, { weights = {} }: OpenOptions) => {
    checkWeights(graph, weights);
    return new TfjsSession(name, await loadTfjs(name), graph, weights);
  },
});

/** Loads the library, so that what is missing is said before a graph is opened. */
export async function openTfjs(name: TfjsName): Promise<Executor> {
  await loadTfjs(name);
  return tfjsExecutor(name);
}
