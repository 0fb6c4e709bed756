/** Opens a network on a device, inside the device's process. */

import { readFile } from "node:fs/promises";
import { ModisteError } from "#libs/core/errors.ts";
import { openExecutor, openOnnxModel, type Session } from "#libs/graph/executors/executor.ts";
import type { DeviceNetwork } from "./messages.ts";
import type { ChildDevice } from "./settings.ts";

/** Throws `failed_precondition` where the library, the provider or the weights are missing. */
export async function openNetwork(device: ChildDevice, { file, shapes, graph, weights }: DeviceNetwork): Promise<Session> {
  if (device === "cuda" || device === "webgpu") return openOnnxModel(await readFile(file), { threads: 1, provider: device, ...shapes });
  if (weights === null) {
    const what = `${device} needs the network's weights as arrays, which releases of earlier versions do not have: modiste train`;
    throw new ModisteError("failed_precondition", "weights_missing", what);
  }
  return (await openExecutor(device)).open(graph, { threads: 1, weights });
}
