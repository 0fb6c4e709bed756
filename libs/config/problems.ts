/** Everything that is wrong with a configuration, at once. */

import { ModisteError } from "#libs/core/errors.ts";

export interface ConfigProblem {
  /** The variable as the user wrote or should have written it. */
  readonly variable: string;
  /** What is wrong, for people. */
  readonly message: string;
  /** What the setting is for; empty where the variable is not known. */
  readonly doc: string;
}

/** Entry points print `message` and exit with 2. */
export class ConfigProblems extends ModisteError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, message, doc }) => `  ${variable}: ${message}${doc === "" ? "" : `\n      ${doc}`}`);
    super("invalid_argument", "config_invalid", `the configuration has ${problems.length} problem(s):\n${lines.join("\n")}`);
    this.problems = problems;
  }
}

/** The known name nearest to what was written, if it is near: at most 3 edits, or a third of its length. O(names × length²). */
export function nearestName(written: string, names: Iterable<string>): { name: string; edits: number } | undefined {
  let nearest: { name: string; edits: number } | undefined;
  for (const name of names) {
    const edits = editDistance(written, name);
    if (edits <= Math.max(3, name.length / 3) && (nearest === undefined || edits < nearest.edits)) nearest = { name, edits };
  }
  return nearest;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
