/** One training step of SASRec, as ML-1M trains it, on every executor that this machine has: same graph, same feeds, in turn. */

import { availableParallelism } from "node:os";
import { createRandom } from "#libs/core/random.ts";
import { type ExecutorName, type Feeds, openExecutor, type Session } from "#libs/graph/executors/executor.ts";
import type { Graph } from "#libs/graph/graph.ts";
import { nameOf } from "#libs/graph/tensor.ts";
import { trainingGraph } from "#libs/models/sasrec/network.ts";
import { type Figures, lower, quantile, sortedOf } from "./bench.ts";

/** 32 histories of 200 events, 64 dimensions, two blocks, softmax over ML-1M's items. */
const shape = { batch: 32, length: 200, dimensions: 64, blocks: 2, heads: 1, feedForward: 128, tableRows: 3416 } as const;
const rounds = 7;

function feedsFor(graph: Graph): Feeds {
  const random = createRandom(1, "steps");
  const fill = (name: string, count: number): Float32Array => {
    if (name.endsWith("gain")) return new Float32Array(count).fill(1);
    if (name !== "mask")
      return Float32Array.from({ length: count }, () => (name === "weights" ? 1 / (shape.batch * shape.length) : 0.05 * random.normal()));
    const { length } = shape;
    return Float32Array.from({ length: count }, (_, at) => (at % length > Math.floor(at / length) % length ? -1e9 : 0));
  };
  return Object.fromEntries(
    [...graph.inputs, ...graph.parameters].map((tensor) => {
      const count = tensor.shape.reduce<number>((product, dim) => product * (dim as number), 1);
      return [nameOf(tensor), fill(nameOf(tensor), count)];
    }),
  );
}

interface Contender {
  readonly name: ExecutorName;
  readonly session: Session;
  readonly wallMs: number[];
  readonly processorMs: number[];
  loss: number;
}

async function runOnce(contender: Contender, feeds: Feeds): Promise<void> {
  const before = process.cpuUsage();
  const startedMs = performance.now();
  const { loss } = await contender.session.run(feeds);
  contender.wallMs.push(performance.now() - startedMs);
  const { user, system } = process.cpuUsage(before);
  contender.processorMs.push((user + system) / 1000);
  contender.loss = loss![0]!;
}

/** Milliseconds of wall clock and processor, medians, and both as multiples of ONNX Runtime's. Executors that are missing are said. */
export async function stepTimes(say: (text: string) => void): Promise<Figures> {
  const graph = trainingGraph({ ...shape, loss: "full", labelSmoothing: 0, dropout: false });
  const feeds = feedsFor(graph);
  const threads = availableParallelism();
  const contenders: Contender[] = [];
  // A process has room for one libtensorflow: where that of the CPU is installed, the one of the GPU says so.
  for (const name of ["onnx", "tfjs-cpu", "tfjs-gpu", "tfjs-wasm"] as const) {
    try {
      const session = await (await openExecutor(name)).open(graph, { threads });
      contenders.push({ name, session, wallMs: [], processorMs: [], loss: Number.NaN });
    } catch (error) {
      say(`${name} is left out: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  for (const contender of contenders) await runOnce(contender, feeds);
  for (const { wallMs, processorMs } of contenders) wallMs.length = processorMs.length = 0;
  for (let round = 0; round < rounds; round++) for (const contender of contenders) await runOnce(contender, feeds);
  const median = (values: readonly number[]): number => quantile(sortedOf(values), 0.5);
  const [first] = contenders as [Contender];
  const figures: Figures = {};
  for (const { name, session, wallMs, processorMs, loss } of contenders) {
    await session.close();
    figures[`steps.${name}.wall`] = lower(median(wallMs), "ms");
    figures[`steps.${name}.processor`] = lower(median(processorMs), "CPU ms");
    if (name === first.name) continue;
    figures[`steps.${name}.wall-over-${first.name}`] = lower(median(wallMs) / median(first.wallMs), "times");
    figures[`steps.${name}.processor-over-${first.name}`] = lower(median(processorMs) / median(first.processorMs), "times");
    figures[`steps.${name}.loss-off`] = lower(Math.abs(loss - first.loss) / Math.abs(first.loss), "of the loss", 1e-5);
  }
  return figures;
}
