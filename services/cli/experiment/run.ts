/** Runs an experiment: fits what is not recorded yet, makes lists, scores them. Stopped and started again it goes on where it was. */

import { rm } from "node:fs/promises";
import { invalid } from "#libs/core/errors.ts";
import type { Cases } from "#libs/data/cases.ts";
import { type CaseValues, type Lists, listOf, scoreLists } from "#libs/evaluation/lists.ts";
import { casesContext } from "#libs/evaluation/measures/measure.ts";
import { metrics } from "#libs/evaluation/metrics/index.ts";
import { type Segmentation, segmentationsOf } from "#libs/evaluation/segments.ts";
import type { EvaluationData } from "./data.ts";
import type { ExperimentDocument } from "./document.ts";
import { type DepthPoint, recentOf } from "./models.ts";
import { modelsOf, sensitivityModels } from "./named-models.ts";
import type { ExperimentOptions } from "./options.ts";
import { addRun, emptyPool, join, joinSegmentations, type ModelResult, meanDepth, modelResult, type Pool } from "./pool.ts";
import { createSetRunner, depthOfSet } from "./set-runner.ts";
import { casesOf } from "./split-cases.ts";
import { headlineOf } from "./summary.ts";

/** One set of cases with the lists that were made for it. */
export interface CasesResult {
  /** Without what was fitted on: twenty-six weeks would hold twenty-six copies of the data. */
  readonly cases: Omit<Cases, "train" | "histories">;
  readonly digest: string;
  readonly lists: ReadonlyMap<string, Lists>;
}

export interface SensitivityPoint {
  readonly source: string;
  readonly setting: string;
  readonly value: string | number;
  readonly values: CaseValues;
}

/** One case as a person looks at it; item indexes. */
export interface Example {
  readonly user: number;
  readonly nowSeconds: number;
  /** Latest first. */
  readonly recent: readonly number[];
  readonly taken: readonly number[];
  readonly lists: ReadonlyMap<string, readonly number[]>;
}

export interface ExperimentResult {
  readonly document: ExperimentDocument;
  readonly data: EvaluationData;
  readonly sets: readonly CasesResult[];
  /** User of each pooled case. */
  readonly users: Int32Array;
  readonly segmentations: readonly Segmentation[];
  readonly models: readonly ModelResult[];
  /** Recall by list length, averaged over the sets of cases: by source and `union`. */
  readonly depth: ReadonlyMap<string, readonly DepthPoint[]>;
  readonly sensitivity: readonly SensitivityPoint[];
  /** Of the last set of cases. */
  readonly examples: readonly Example[];
}

/** Throws `invalid_argument` for a document that does not fit the data, and what fitting throws. */
export async function runExperiment(options: ExperimentOptions): Promise<ExperimentResult> {
  const { document, data } = options;
  const all = modelsOf(options);
  headlineOf(document);
  const { baseline } = document;
  if (baseline !== undefined && !all.some(({ name }) => name === baseline))
    throw invalid("baseline", `"${baseline}" is none of ${all.map(({ name }) => name).join(", ")}`, "unknown_model");
  const probes = sensitivityModels(document);
  const pools = new Map<string, Pool>();
  const probed: CaseValues[][] = probes.map(() => []);
  const sets: CasesResult[] = [];
  const segmentations: Segmentation[][] = [];
  const depth: Map<string, DepthPoint[]>[] = [];
  let examples: Example[] = [];
  try {
    for (const cases of casesOf(document, data)) {
      options.signal.throwIfAborted();
      const runner = createSetRunner(options, cases, all);
      const context = casesContext(cases, data.catalog);
      const lists = new Map<string, Lists>();
      for (const named of all) {
        const run = await runner.run(named);
        lists.set(named.name, run.lists);
        const pool = pools.get(named.name) ?? emptyPool();
        pools.set(named.name, pool);
        addRun(pool, run, context, options);
      }
      depth.push(await depthOfSet(runner, options));
      for (const [p, probe] of probes.entries()) {
        const { lists: made } = await runner.run(probe);
        probed[p]!.push([...scoreLists(made, cases, [metrics[0]!], [document.k[0]!]).values()][0]!);
      }
      const { train: _, histories: __, ...kept } = cases;
      sets.push({ cases: kept, digest: runner.digest, lists });
      examples = examplesOf(cases, lists);
      segmentations.push(segmentationsOf(cases, data.users));
      options.onCases(cases.name, cases.users.length);
      await rm(options.scratch, { recursive: true, force: true });
    }
  } finally {
    await rm(options.scratch, { recursive: true, force: true });
  }
  return {
    document,
    data,
    sets,
    users: Int32Array.from(sets.flatMap(({ cases }) => Array.from(cases.users))),
    segmentations: joinSegmentations(segmentations),
    models: all.map((named) => modelResult(named, pools.get(named.name)!)),
    depth: meanDepth(depth),
    sensitivity: probes.map(({ source, setting, value }, p) => ({ source, setting, value, values: join(probed[p]!) })),
    examples,
  };
}

const exampleCount = 8;
const recentMax = 12;

/** Cases spread over the set. */
function examplesOf(cases: Cases, lists: ReadonlyMap<string, Lists>): Example[] {
  const count = Math.min(exampleCount, cases.users.length);
  return Array.from({ length: count }, (_, i) => {
    const c = Math.floor(((i + 0.5) / count) * cases.users.length);
    return {
      user: cases.users[c]!,
      nowSeconds: cases.nowSeconds[c]!,
      recent: recentOf(cases, c, recentMax),
      taken: Array.from(cases.items.subarray(cases.offsets[c], cases.offsets[c + 1])),
      lists: new Map([...lists].map(([name, made]) => [name, Array.from(listOf(made, c))])),
    };
  });
}
