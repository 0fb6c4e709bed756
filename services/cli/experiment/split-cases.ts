/** The cases that an experiment's document asks for: of its test part, or of the validation part before it. */

import { readFileSync } from "node:fs";
import { invalid } from "#libs/core/errors.ts";
import {
  type CaseOptions,
  type Cases,
  givenCases,
  givenLastCases,
  leaveLastBasketOut,
  leaveLastOut,
  sampleCases,
  sampledCases,
  windowCases,
} from "#libs/data/cases.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { lastCompleteWeeks, sliceBefore, type TimeWindow } from "#libs/data/splits.ts";
import type { EvaluationData } from "./data.ts";
import type { ExperimentDocument, SplitDocument } from "./document.ts";

/** External ids, one a line. Throws `invalid_argument` naming the field. */
export function readUserIds(path: string, field: string): ReadonlySet<string> {
  try {
    return new Set(
      readFileSync(path, "utf8")
        .split(/\r?\n/)
        .filter((line) => line !== ""),
    );
  } catch (cause) {
    throw invalid(field, `${path} cannot be read: ${(cause as Error).message}`, "users_file");
  }
}

/** The windows of the test part, or as many of the same lengths that end where it begins: nothing of the test part is in them. */
function windowsOf(windows: readonly TimeWindow[], part: ExperimentDocument["part"]): readonly TimeWindow[] {
  if (part === "test") return windows;
  const first = Math.min(...windows.map(({ from }) => from));
  const span = Math.max(...windows.map(({ to }) => to)) - first;
  return windows.map(({ from, to }) => ({ from: from - span, to: to - span }));
}

type CaseMaker = (interactions: Interactions, options: CaseOptions) => Cases;

/** One maker for each set of cases, so that only one is held in memory at a time. */
function makersOf(split: SplitDocument, data: EvaluationData, { part, seed }: ExperimentDocument): CaseMaker[] {
  const back = part === "test" ? 0 : 1;
  const ofWindows = (windows: readonly TimeWindow[]): CaseMaker[] =>
    windowsOf(windows, part).map((window) => (interactions, options) => windowCases(interactions, window, options));
  switch (split.kind) {
    case "weeks":
      return ofWindows(lastCompleteWeeks(split.until ?? data.endSeconds, split.weeks).reverse());
    case "windows":
      return ofWindows(split.windows);
    case "leave_last_out":
      return [(interactions, options) => leaveLastOut(interactions, back, options)];
    case "leave_last_basket_out":
      return [(interactions, options) => leaveLastBasketOut(interactions, back, options)];
    case "given": {
      const { testFrom } = data;
      if (testFrom === null) throw invalid("split.kind", `data set ${data.name} has no given split`, "split_missing");
      const ofPart = split.taken === "last" ? givenLastCases : givenCases;
      if (part === "test") return [(interactions, options) => ofPart(interactions, testFrom, options)];
      if (split.taken === "last") return [(interactions, options) => leaveLastOut(sliceBefore(interactions, testFrom), 0, options)];
      return [(interactions, options) => sampledCases(sliceBefore(interactions, testFrom), split.validation_share, seed, options)];
    }
  }
}

/** Cases one after the other. Throws `invalid_argument` when a part holds nobody. */
export function* casesOf(document: ExperimentDocument, data: EvaluationData): Generator<Cases> {
  const ids = document.users === undefined ? null : readUserIds(document.users, "users");
  const options: CaseOptions = {
    types: document.targets,
    users: ids === null ? null : (user) => ids.has(data.users.ids[user]!),
  };
  for (const make of makersOf(document.split, data, document)) {
    const all = make(data.interactions, options);
    if (all.train.items.length === 0) throw invalid("split", `${all.name}: nothing is left to fit on`, "split_empty");
    if (all.users.length === 0) throw invalid("split", `${all.name}: nobody took anything`, "split_empty");
    yield document.cases_max === undefined ? all : sampleCases(all, document.cases_max, document.seed);
  }
}
