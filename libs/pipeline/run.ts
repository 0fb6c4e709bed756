/** The one runner: it alone holds state and gives each stage its span, its share of the deadline and its fallback. */

import { assert, toModisteError } from "#libs/core/errors.ts";
import { appendCandidates, mergeAnswers, type NamedAnswer, selectCandidates } from "./merge.ts";
import type {
  CandidateTable,
  FilterReport,
  Outcome,
  Pipeline,
  PipelineObserver,
  PipelineResult,
  Source,
  SourceReport,
  StageContext,
  StageReport,
} from "./pipeline.ts";

export interface RunContext {
  /** Aborted when the caller left. */
  readonly signal: AbortSignal;
  /** Milliseconds left of the caller's deadline. */
  readonly remainingMs: () => number;
  readonly nowMs: () => number;
  readonly observer: PipelineObserver;
}

/** Shares of what is left of the deadline when a stage starts. The rest stays for what follows. */
const hydrateShare = 0.3;
const retrieveShare = 0.5;
const rankShare = 0.7;

class StageTimeout extends Error {
  override readonly name = "StageTimeout";
}

/** Runs `work` within `budgetMs`: rejects with StageTimeout then, and its signal tells the work to stop. */
async function within<T>(budgetMs: number, caller: AbortSignal, work: (context: StageContext) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let cleanUp = (): void => undefined;
  const given = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new StageTimeout("deadline_exceeded")), Math.max(0, budgetMs));
    const left = (): void => reject(caller.reason);
    caller.addEventListener("abort", left, { once: true });
    cleanUp = () => {
      clearTimeout(timer);
      caller.removeEventListener("abort", left);
    };
  });
  try {
    caller.throwIfAborted();
    return await Promise.race([work({ signal: stop.signal, budgetMs }), given]);
  } catch (cause) {
    stop.abort(cause);
    throw cause;
  } finally {
    cleanUp();
  }
}

interface Failure {
  readonly outcome: "late" | "failed";
  readonly reason: string;
}

/** A failure that a fallback may answer. The caller's leaving and broken invariants of ours are thrown on. */
function failureOf(cause: unknown, caller: AbortSignal): Failure {
  if (caller.aborted) throw toModisteError(cause);
  if (cause instanceof StageTimeout) return { outcome: "late", reason: "deadline_exceeded" };
  const error = toModisteError(cause);
  if (error.reason === "invariant_broken") throw error;
  return error.code === "deadline_exceeded" || error.code === "cancelled"
    ? { outcome: "late", reason: "deadline_exceeded" }
    : { outcome: "failed", reason: error.code };
}

/** Positions of `scores`, highest first; not finite sinks to the end, ties keep the order of the table. */
export function orderByScore(scores: Float64Array): Int32Array {
  const keys = scores.map((score) => (Number.isFinite(score) ? score : Number.NEGATIVE_INFINITY));
  // Two infinities give NaN, which falls through to the order of the table as a tie does.
  return Int32Array.from(scores.keys()).sort((a, b) => keys[b]! - keys[a]! || a - b);
}

interface RetrievedSource {
  readonly report: SourceReport;
  readonly answer: NamedAnswer | null;
}

async function askSource<Query>(source: Source<Query>, query: Query, budgetMs: number, context: RunContext): Promise<RetrievedSource> {
  const started = context.nowMs();
  const report = (outcome: Outcome, candidates: number, release: string, reason: string): SourceReport => ({
    source: source.name,
    outcome,
    candidates,
    milliseconds: context.nowMs() - started,
    release,
    reason,
  });
  if (!source.applies(query)) return { report: report("not_asked", 0, "", ""), answer: null };
  try {
    const answer = await within(Math.min(source.budgetMs, budgetMs), context.signal, (stage) => source.retrieve(query, stage));
    context.observer.sourceCandidates(source.name, answer.items.length);
    return { report: report("answered", answer.items.length, answer.release, ""), answer: { source: source.name, answer } };
  } catch (cause) {
    const { outcome, reason } = failureOf(cause, context.signal);
    return { report: report(outcome, 0, "", reason), answer: null };
  }
}

/** A filter at work on one request, counting what it removes. */
interface Keep {
  readonly name: string;
  readonly predicate: (item: number) => boolean;
  removed: number;
}

function keepsOf<Query>({ filters }: Pipeline<Query>, query: Query): Keep[] {
  return filters.flatMap(({ name, keep }) => {
    const predicate = keep(query);
    return predicate === null ? [] : [{ name, predicate, removed: 0 }];
  });
}

const reportOf = (keeps: readonly Keep[]): FilterReport[] =>
  keeps.flatMap(({ name, removed }) => (removed === 0 ? [] : [{ filter: name, removed }]));

function applyFilters(keeps: readonly Keep[], table: CandidateTable): CandidateTable {
  const { items } = table;
  const kept = new Int32Array(items.length);
  let count = 0;
  for (let position = 0; position < items.length; position++) {
    const refusing = keeps.find(({ predicate }) => !predicate(items[position]!));
    if (refusing) refusing.removed++;
    else kept[count++] = position;
  }
  return selectCandidates(table, kept.subarray(0, count));
}

interface Filtered {
  readonly table: CandidateTable;
  readonly removed: readonly FilterReport[];
  readonly lastResort: boolean;
}

/**
 * Only filters that exclude everything may leave a list empty: where no source offered anything that passes (all dead, or nothing to say of
 * a stranger while the popular list is missing), the last resort answers under the same filters.
 */
function filterOrLastResort<Query>(pipeline: Pipeline<Query>, query: Query, merged: CandidateTable): Filtered {
  const keeps = keepsOf(pipeline, query);
  const own = applyFilters(keeps, merged);
  if (own.items.length > 0) return { table: own, removed: reportOf(keeps), lastResort: false };
  const rest = mergeAnswers([{ source: "static", answer: pipeline.lastResort(query) }], pipeline.candidatesMax);
  const lastKeeps = keepsOf(pipeline, query);
  const table = applyFilters(lastKeeps, rest);
  const removed = reportOf(keeps);
  return { table, removed: removed.length > 0 ? removed : reportOf(lastKeeps), lastResort: true };
}

/**
 * Adds what the pipeline brings in by itself, if it passes the filters. After the last resort, which stands in for sources: additions must
 * not hide that no source answered. What is refused here is no candidate that a filter removed, and so is not counted.
 */
function addItems<Query>(pipeline: Pipeline<Query>, query: Query, filtered: Filtered): Filtered {
  const additions = pipeline.additions(query);
  if (additions.length === 0) return filtered;
  const held = new Set(filtered.table.items);
  const keeps = keepsOf(pipeline, query);
  const added = [...new Set(additions)].filter((item) => !held.has(item) && keeps.every(({ predicate }) => predicate(item)));
  return { ...filtered, table: appendCandidates(filtered.table, added) };
}

function rescore<Query>(pipeline: Pipeline<Query>, query: Query, table: CandidateTable, scores: Float64Array): Float64Array {
  return pipeline.rescorers.reduce((current, { name, rescore: change }) => {
    const changed = change(query, table, current);
    assert(changed.length === current.length, `${name} gave ${changed.length} scores for ${current.length} candidates`);
    return changed;
  }, scores);
}

/** Runs one request through every stage. Throws only when the caller left or an invariant of ours broke. */
export async function runPipeline<Query>(
  pipeline: Pipeline<Query>,
  admitted: Query,
  limit: number,
  context: RunContext,
): Promise<PipelineResult<Query>> {
  const stages: StageReport[] = [];
  const degraded: string[] = [];
  const { observer } = context;
  const stage = async <T>(name: string, candidatesOf: (value: T) => number, run: () => Promise<T>): Promise<T> => {
    const started = context.nowMs();
    const value = await observer.stage(name, run);
    stages.push({ stage: name, milliseconds: context.nowMs() - started, candidates: candidatesOf(value) });
    return value;
  };
  const share = (of: number): number => context.remainingMs() * of;

  const query = await stage(
    "hydrate",
    () => 0,
    async () => {
      let current = admitted;
      for (const hydrator of pipeline.hydrators) {
        try {
          current = await within(share(hydrateShare), context.signal, (given) => hydrator.hydrate(current, given));
        } catch (cause) {
          const { reason } = failureOf(cause, context.signal);
          degraded.push(`${hydrator.name}:${reason}`);
          current = hydrator.fallback(current, reason);
        }
      }
      return current;
    },
  );

  const retrieved = await stage(
    "retrieve",
    (all: RetrievedSource[]) => all.reduce((sum, { report }) => sum + report.candidates, 0),
    () => {
      const budget = share(retrieveShare);
      return Promise.all(pipeline.sources.map((source) => askSource(source, query, budget, context)));
    },
  );
  const sources = retrieved.map(({ report }) => report);
  for (const { source, outcome, reason } of sources) if (outcome === "late" || outcome === "failed") degraded.push(`${source}:${reason}`);
  const answers = retrieved.flatMap(({ answer }) => (answer ? [answer] : []));

  const merged = await stage(
    "merge",
    (table: CandidateTable) => table.items.length,
    async () => mergeAnswers(answers, pipeline.candidatesMax),
  );
  const { table, removed, lastResort } = await stage(
    "filter",
    ({ table }) => table.items.length,
    async () => addItems(pipeline, query, filterOrLastResort(pipeline, query, merged)),
  );

  let ranked = true;
  const ranking = await stage(
    "rank",
    (values: Float64Array) => values.length,
    async () => {
      if (lastResort || table.items.length === 0) return pipeline.scorer.fallback(query, table);
      try {
        const values = await within(share(rankShare), context.signal, (given) => pipeline.scorer.score(query, table, given));
        assert(
          values.length === table.items.length,
          `${pipeline.scorer.name} gave ${values.length} scores for ${table.items.length} candidates`,
        );
        return values;
      } catch (cause) {
        const { reason } = failureOf(cause, context.signal);
        degraded.push(`${pipeline.scorer.name}:${reason}`);
        ranked = false;
        return pipeline.scorer.fallback(query, table);
      }
    },
  );

  const { scores, chosen } = await stage(
    "arrange",
    (arranged: { chosen: Int32Array }) => arranged.chosen.length,
    async () => {
      const scores = rescore(pipeline, query, table, ranking);
      return { scores, chosen: pipeline.arranger.arrange(query, table, scores, orderByScore(scores), limit) };
    },
  );
  return { query, candidates: table, scores, chosen, sources, stages, removed, degraded, ranked, lastResort };
}
