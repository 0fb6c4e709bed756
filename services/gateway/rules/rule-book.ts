/** The rules in force: read from a file at start, read again when it changes. */

import { readFile, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { columnNamed } from "#libs/catalog/filter.ts";
import { ConfigProblems } from "#libs/config/problems.ts";
import type { ServiceContext } from "#libs/serve/service.ts";
import type { GatewayQuery } from "../query.ts";
import type { GatewayRelease } from "../release.ts";
import { type ActiveRules, noRules } from "./active-rules.ts";
import { activeRules, type CompiledRules, compileRules } from "./compile.ts";
import type { Rule } from "./rule.ts";
import { type ReadRules, readRules } from "./rule-file.ts";

export interface RuleBook {
  /** The rules that apply to a hydrated query. */
  match(query: GatewayQuery): ActiveRules;
  /** Counts an answer that they shaped. */
  count(applied: ActiveRules): void;
  /** Looks at the file now. */
  refresh(): Promise<void>;
}

export interface RuleBookOptions {
  /** Empty: no rules, and nothing is looked at. */
  readonly file: string;
  /** The serving release, null before the first: attributes are checked against its catalogue. */
  readonly release: () => GatewayRelease | null;
  readonly context: Pick<ServiceContext, "log" | "telemetry" | "onClose">;
  /** Milliseconds between two looks at the file. */
  readonly intervalMs?: number;
}

export const emptyRuleBook: RuleBook = { match: () => noRules, count: () => undefined, refresh: async () => undefined };

/** Largest rule file; people write it. */
const fileBytesMax = 1 << 20;
/** Names of unknown items and values in one log line. */
const namesShownMax = 20;

const settingDoc = "rule file of pins, boosts and hidden items; docs/rules.md";

/** What tells one state of the file from the next: a file renamed into its place has another inode, one written in place another time. */
async function stampOf(file: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(file).catch(() => ({ ino: 0, size: 0, mtimeMs: 0, ctimeMs: 0 }));
  return [ino, size, mtimeMs, ctimeMs].join(" ");
}

async function readRuleFile(file: string, release: GatewayRelease | null): Promise<ReadRules> {
  const refused = (problem: string): ReadRules => ({ rules: [], problems: [problem] });
  try {
    const { size } = await stat(file);
    if (size > fileBytesMax) return refused(`has ${size} bytes, at most ${fileBytesMax} are read`);
    return readRules(await readFile(file, "utf8"), release && ((name) => columnNamed(release.catalog, name) !== undefined));
  } catch (cause) {
    return refused(`cannot be read: ${(cause as Error).message}`);
  }
}

function createMetrics({ metrics }: RuleBookOptions["context"]["telemetry"]) {
  return {
    applied: metrics.counter("modiste_rules_applied_total", "Answers to which a rule of the rule file applied", ["rule"]),
    refusals: metrics.counter("modiste_rules_refusals_total", "Changed rule files that were refused; the rules before serve on"),
    loaded: metrics.gauge("modiste_rules_loaded", "Rules in force"),
    unknown: metrics.gauge("modiste_rules_unknown", "Items and values that rules name and the serving catalogue does not have"),
  };
}

type RuleMetrics = ReturnType<typeof createMetrics>;

/** Every rule has its series from the start, at 0; those of rules that are gone go with them. */
function showRules(metrics: RuleMetrics, before: readonly Rule[], rules: readonly Rule[]): void {
  const names = new Set(rules.map(({ name }) => name));
  for (const { name } of before) if (!names.has(name)) metrics.applied.remove({ rule: name });
  for (const rule of names) metrics.applied.inc({ rule }, 0);
  metrics.loaded.set(rules.length);
}

/** The rules of one state of the file, compiled once for each release; what a catalogue does not have is told once then. */
interface RuleSet {
  readonly rules: readonly Rule[];
  compiledFor(release: GatewayRelease): CompiledRules;
}

function createRuleSet(rules: readonly Rule[], metrics: RuleMetrics, log: ServiceContext["log"]): RuleSet {
  const compiled = new WeakMap<GatewayRelease, CompiledRules>();
  /** What was told of each loaded release, which its part stands for: it is compiled for anew with every change of its catalogue. */
  const told = new WeakMap<GatewayRelease["part"], string>();
  const compile = (release: GatewayRelease): CompiledRules => {
    const made = compileRules(rules, release.catalog);
    compiled.set(release, made);
    const count = made.unknown.length;
    metrics.unknown.set(count);
    const names = made.unknown.slice(0, namesShownMax);
    const telling = made.unknown.join();
    if (count > 0 && told.get(release.part) !== telling)
      log.warn({ release: release.manifest.id, count, names }, "rules name what the catalogue does not have");
    told.set(release.part, telling);
    return made;
  };
  return { rules, compiledFor: (release) => compiled.get(release) ?? compile(release) };
}

/** @throws ConfigProblems listing everything that is wrong with the file at start; later a bad file is refused and the rules before serve on. */
export async function openRuleBook({ file, release, context, intervalMs = 500 }: RuleBookOptions): Promise<RuleBook> {
  if (file === "") return emptyRuleBook;
  const { log, telemetry } = context;
  let stamp = await stampOf(file);
  const first = await readRuleFile(file, release());
  if (first.problems.length > 0) {
    const problems = first.problems.map((problem) => ({ variable: "MODISTE_RULES_FILE", message: `${file}: ${problem}`, doc: settingDoc }));
    throw new ConfigProblems(problems);
  }
  const metrics = createMetrics(telemetry);
  let current = createRuleSet([], metrics, log);
  /** The release for which the file was refused: an attribute that it misses may come with the next. */
  let refusedFor: string | null = null;

  const take = (rules: readonly Rule[]): void => {
    showRules(metrics, current.rules, rules);
    current = createRuleSet(rules, metrics, log);
    const serving = release();
    if (serving) current.compiledFor(serving);
    log.info({ file, rules: rules.map(({ name }) => name) }, "rules in force");
  };
  const refresh = async (): Promise<void> => {
    const seen = await stampOf(file);
    const serving = release();
    const id = serving?.manifest.id ?? "";
    if (seen === stamp && (refusedFor === null || refusedFor === id)) return;
    const { rules, problems } = await readRuleFile(file, serving);
    const changed = seen !== stamp;
    stamp = seen;
    refusedFor = problems.length > 0 ? id : null;
    if (problems.length === 0) return take(rules);
    if (changed) metrics.refusals.inc();
    log.error({ file, problems }, `the changed rule file ${file} is refused; the rules before serve on`);
  };
  take(first.rules);
  follow(refresh, intervalMs, context);
  return {
    match: (query) => (current.rules.length === 0 ? noRules : activeRules(current.compiledFor(query.release), query)),
    count: ({ names }) => {
      // A rule that went while the answer was made has no series any more.
      const inForce = new Set(current.rules.map(({ name }) => name));
      for (const rule of names) if (inForce.has(rule)) metrics.applied.inc({ rule });
    },
    refresh,
  };
}

/** Looks again every `intervalMs` until the service closes. */
function follow(refresh: () => Promise<void>, intervalMs: number, { onClose, log }: RuleBookOptions["context"]): void {
  const stop = new AbortController();
  const following = (async () => {
    while (!stop.signal.aborted) {
      await delay(intervalMs, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (!stop.signal.aborted) await refresh().catch((err: unknown) => log.error({ err }, "looking at the rule file failed"));
    }
  })();
  onClose(async () => {
    stop.abort();
    await following;
  });
}
