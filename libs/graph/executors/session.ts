/** What an executor is: it opens a graph once and runs it many times. */

import type { Graph } from "../graph.ts";

export type FeedValues = Float32Array | Int32Array | Float64Array;
export type Feeds = Readonly<Record<string, FeedValues>>;
/** Values of sizes that are names. */
export type Sizes = Readonly<Record<string, number>>;

export const executorNames = ["onnx", "tfjs-cpu", "tfjs-gpu", "tfjs-wasm", "reference"] as const;
export type ExecutorName = (typeof executorNames)[number];

export interface Session<Values = Float32Array> {
  readonly executor: string;
  /**
   * Feeds by name, row-major: Float32Array for floats, Int32Array for ints; more than the graph needs is ignored. An array may be refilled
   * in place and fed again, which costs no new wrapping. `sizes` may be left out where they follow from the lengths of the feeds. Outputs
   * are valid until the next run. The calling thread computes: what takes long belongs in a worker or a process of its own. Throws
   * `invalid_argument` naming a feed that is missing or of another length or type, or a size that is unknown.
   */
  run(feeds: Feeds, sizes?: Sizes): Promise<Readonly<Record<string, Values>>>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Threads of one operation: as many as cores for training, 1 for serving. tfjs takes those of its backend instead. */
  readonly threads: number;
  /** Values of parameters that are never fed. */
  readonly weights?: Readonly<Record<string, Float32Array>>;
}

export interface Executor {
  readonly name: ExecutorName;
  open(graph: Graph, options: OpenOptions): Promise<Session>;
}
