/** What the parts of a release that hold a network as an ONNX file have in common: their schema, how they are opened, how they are refused. */

import { readFile } from "node:fs/promises";
import { z } from "zod";
import { type ErrorCode, ModisteError } from "#libs/core/errors.ts";
import { openOnnxModel, type Session } from "#libs/graph/executors/executor.ts";
import type { Graph } from "#libs/graph/graph.ts";
import { nameOf } from "#libs/graph/tensor.ts";
import type { TrainingRecord } from "#libs/models/neural/training.ts";
import type { PartReader } from "#libs/release/part.ts";

export const count = z.number().int().nonnegative();
const shapes = z.record(z.string(), z.array(z.union([z.number().int(), z.string()])));

/** Fields of every such meta.json. */
export const graphMeta = {
  graph_version: count,
  settings: z.record(z.string(), z.unknown()),
  /** Of the file, for whoever runs it elsewhere. */
  inputs: shapes,
  outputs: shapes,
  training: z.object({
    steps: count,
    best_step: count,
    curve: z.array(z.object({ step: count, loss: z.number(), figure: z.number().nullable() })),
  }),
} as const;

const graphMetaSchema = z.object(graphMeta);
type GraphMeta = z.infer<typeof graphMetaSchema>;

export const trainingMeta = ({ steps, bestStep, curve }: TrainingRecord): GraphMeta["training"] => ({
  steps,
  best_step: bestStep,
  curve: [...curve],
});

export function graphShapes({ inputs, outputs }: Graph): Pick<GraphMeta, "inputs" | "outputs"> {
  return {
    inputs: Object.fromEntries(inputs.map((tensor) => [nameOf(tensor), [...tensor.shape]])),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, [...shape]])),
  };
}

/** Makes errors that name release and part. */
export type Refuse = (code: ErrorCode, reason: string, what: string, cause?: unknown) => ModisteError;

export const refusalOf =
  ({ release, part }: PartReader): Refuse =>
  (code, reason, what, cause) =>
    new ModisteError(code, reason, `release ${release}, part ${part}: ${what}`, { cause });

/** Throws `data_loss` for a document that the schema does not take, `failed_precondition` for another version of the graph. */
export function readGraphMeta<Meta extends GraphMeta>(part: PartReader, schema: z.ZodType<Meta>, version: number): Meta {
  const refuse = refusalOf(part);
  const parsed = schema.safeParse(part.meta());
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
    throw refuse("data_loss", "meta_broken", `meta.json: ${where}`);
  }
  const { graph_version: found } = parsed.data;
  if (found !== version)
    throw refuse("failed_precondition", "graph_version", `its graph has version ${found}, this code runs version ${version}`);
  return parsed.data;
}

/** On one thread. Throws `data_loss` when the file is missing or is not the graph that this code makes. */
export async function openGraphFile(part: PartReader, file: string, graph: Graph): Promise<Session> {
  const refuse = refusalOf(part);
  const bytes = await readFile(part.path(file)).catch((cause: unknown) => {
    throw refuse("data_loss", "release_file_missing", `${file} cannot be read`, cause);
  });
  try {
    return await openOnnxModel(bytes, { threads: 1, ...graphShapes(graph) });
  } catch (cause) {
    if (cause instanceof ModisteError) throw refuse(cause.code, cause.reason, `${file}: ${cause.detail}`, cause);
    throw cause;
  }
}

/** Difference of a golden score, of 1 or of the score where it is larger, that another processor may make. */
const goldenTolerance = 1e-4;

export const isGolden = (found: number, expected: number): boolean =>
  Math.abs(found - expected) <= goldenTolerance * Math.max(1, Math.abs(expected));
