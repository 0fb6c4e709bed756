/** Executors by name. Their libraries are loaded when they are asked for, since most are optional. */

import type { OnnxModelOptions } from "./onnx.ts";
import type { Executor, ExecutorName, Session } from "./session.ts";

export type { OnnxModelOptions } from "./onnx.ts";
export type { Executor, ExecutorName, Feeds, FeedValues, OpenOptions, Session, Sizes } from "./session.ts";
export { executorNames } from "./session.ts";

/** Throws `failed_precondition` saying what to run, where the executor's package is missing or this Node is too new for it. */
export async function openExecutor(name: ExecutorName): Promise<Executor> {
  if (name === "reference") return (await import("./reference.ts")).referenceExecutor;
  if (name === "onnx") return (await import("./onnx.ts")).onnxExecutor;
  return (await import("./tfjs.ts")).openTfjs(name);
}

/**
 * Opens a saved forward graph with ONNX Runtime, for serving. Throws `data_loss` when the bytes are no ONNX model, or one whose inputs and
 * outputs differ from those expected, naming the first that does.
 */
export async function openOnnxModel(bytes: Uint8Array, options: OnnxModelOptions): Promise<Session> {
  return (await import("./onnx.ts")).openOnnxModel(bytes, options);
}
