/** A small network, and the stand-in device on it. */

import { writeFile } from "node:fs/promises";
import { systemClock } from "#libs/core/clock.ts";
import { openOnnxModel, type Session } from "#libs/graph/executors/executor.ts";
import { exportOnnx } from "#libs/graph/onnx.ts";
import { nameOf } from "#libs/graph/tensor.ts";
import { scoringGraph } from "#libs/models/wide-deep/network.ts";
import type { ScoringNetwork } from "#libs/serve/ranker.ts";
import { graphShapes } from "../graph-part.ts";
import { type DeviceLimits, DeviceSession, type DeviceWatcher } from "./device-session.ts";
import { commandFile, type StandInCommand } from "./stand-in.fixture.ts";

export const standIn = new URL("./stand-in.fixture.ts", import.meta.url);
export const graph = scoringGraph({ inputs: 6, hidden1: 4, hidden2: 4, members: 2, towers: null });
export const weights: Readonly<Record<string, Float32Array>> = Object.fromEntries(
  graph.parameters.map((tensor, p) => {
    const count = tensor.shape.reduce<number>((product, dim) => product * (dim as number), 1);
    return [nameOf(tensor), Float32Array.from({ length: count }, (_, i) => Math.sin(i + p))];
  }),
);

/** Rows of one request; others of each number. */
export const rowsOf = (rows: number, request: number) => ({
  deep: Float32Array.from({ length: rows * 6 }, (_, i) => Math.cos(i * 7 + request)),
  wide: new Float32Array(rows).fill(request / 10),
});

const golden = { feeds: rowsOf(5, 1), rows: 5 };

/** Generous: a busy machine must not be taken for a dead device. */
export const patient: DeviceLimits = {
  openMs: 60_000,
  runMs: 60_000,
  hangMs: 60_000,
  restartMs: { first: 1, longest: 2, calmAfter: 60_000 },
};

export const silent: DeviceWatcher = {
  ready: () => undefined,
  lost: () => undefined,
  refused: () => undefined,
  answered: () => undefined,
  missed: () => undefined,
};

export const openCpu = async (file: string): Promise<Session> => {
  const bytes = exportOnnx(graph, { weights });
  await writeFile(file, bytes);
  return openOnnxModel(bytes, { threads: 1, ...graphShapes(graph) });
};

export const command = (file: string, ...words: StandInCommand[]): Promise<void> => writeFile(commandFile(file), words.join(" "));

export async function networkAt(file: string): Promise<ScoringNetwork> {
  return { name: "release r1, part ranking", cpu: await openCpu(file), graph, file, weights: () => weights, golden };
}

/** The stand-in, under the name of a device that nobody here has. */
export async function openTestDevice(
  file: string,
  { limits = {}, watcher = {} }: { readonly limits?: Partial<DeviceLimits>; readonly watcher?: Partial<DeviceWatcher> } = {},
): Promise<DeviceSession> {
  const session = new DeviceSession({
    device: "cuda",
    network: { file, graph, shapes: graphShapes(graph), weights: null },
    module: standIn,
    cpu: await openCpu(file),
    golden,
    limits: { ...patient, ...limits },
    watcher: { ...silent, ...watcher },
    clock: systemClock,
  });
  await session.start();
  return session;
}
