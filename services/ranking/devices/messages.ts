/** What a device's process and its parent say to each other, by structured clone over the channel of `fork`. */

import type { OnnxModelOptions } from "#libs/graph/executors/onnx.ts";
import type { Feeds, Session, Sizes } from "#libs/graph/executors/session.ts";
import type { Graph } from "#libs/graph/graph.ts";
import type { ChildDevice } from "./settings.ts";

/** A network as a device opens it: those of ONNX Runtime the file, those of tfjs the graph. */
export interface DeviceNetwork {
  readonly file: string;
  readonly shapes: Pick<OnnxModelOptions, "inputs" | "outputs">;
  readonly graph: Graph;
  /** Of all parameters; null where the release has only the file. */
  readonly weights: Readonly<Record<string, Float32Array>> | null;
}

/** What a module in the place of `open-network.ts` exports. */
export interface DeviceModule {
  openNetwork(device: ChildDevice, network: DeviceNetwork): Promise<Session>;
}

export type ToDevice = { readonly id: number } & (
  | { readonly kind: "open"; readonly device: ChildDevice; readonly module: string | null; readonly network: DeviceNetwork }
  | { readonly kind: "run"; readonly feeds: Feeds; readonly sizes: Sizes }
);

/** The answer to the message of the same id. */
export type FromDevice = { readonly id: number } & (
  | { readonly kind: "done"; readonly outputs: Readonly<Record<string, Float32Array>> }
  | { readonly kind: "failed"; readonly why: string }
);
