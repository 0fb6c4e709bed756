/** The one runner: it alone holds state and gives each stage its span, its share of the deadline and its fallback. */

import { assert } from "#libs/core/errors.ts";
import { appendCandidates, mergeAnswers, type NamedAnswer, selectCandidates } from "./merge.ts";
import { orderByScore } from "./order.ts";
import type {
  CandidateTable,
  FilterReport,
  Outcome,
  Pipeline,
  PipelineResult,
  RunContext,
  Source,
  SourceReport,
  StageReport,
} from "./pipeline.ts";
import { type RankedTable, rankCandidates } from "./rank-stage.ts";
import { failureOf, within } from "./within.ts";

/** Shares of what is left of the deadline when a stage starts. The rest stays for what follows. */
const hydrateShare = 0.3;
const retrieveShare = 0.5;
const rankShare = 0.7;

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

function keepsOf<Query>({ filters }: Pipeline<Query, unknown>, query: Query): Keep[] {
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
function filterOrLastResort<Query>(pipeline: Pipeline<Query, unknown>, query: Query, merged: CandidateTable): Filtered {
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
function addItems<Query>(pipeline: Pipeline<Query, unknown>, query: Query, filtered: Filtered): Filtered {
  const additions = pipeline.additions(query);
  if (additions.length === 0) return filtered;
  const held = new Set(filtered.table.items);
  const keeps = keepsOf(pipeline, query);
  const added = [...new Set(additions)].filter((item) => !held.has(item) && keeps.every(({ predicate }) => predicate(item)));
  return { ...filtered, table: appendCandidates(filtered.table, added) };
}

function rescore<Query>(pipeline: Pipeline<Query, unknown>, query: Query, table: CandidateTable, scores: Float64Array): Float64Array {
  return pipeline.rescorers.reduce((current, { name, rescore: change }) => {
    const changed = change(query, table, current);
    assert(changed.length === current.length, `${name} gave ${changed.length} scores for ${current.length} candidates`);
    return changed;
  }, scores);
}

/** Runs one request through every stage. Throws only when the caller left or an invariant of ours broke. */
export async function runPipeline<Query, Note>(
  pipeline: Pipeline<Query, Note>,
  admitted: Query,
  limit: number,
  context: RunContext,
): Promise<PipelineResult<Query, Note>> {
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

  const ranking = await stage(
    "rank",
    ({ scores }: RankedTable<Note>) => scores.length,
    () => rankCandidates(pipeline, query, { table, limit, asked: !lastResort, budgetMs: share(rankShare) }, context),
  );
  if (ranking.degraded !== null) degraded.push(`${pipeline.scorer.name}:${ranking.degraded}`);

  const { scores, chosen } = await stage(
    "arrange",
    (arranged: { chosen: Int32Array }) => arranged.chosen.length,
    async () => {
      const scores = rescore(pipeline, query, table, ranking.scores);
      return { scores, chosen: pipeline.arranger.arrange(query, table, scores, orderByScore(scores), limit) };
    },
  );
  const { ranked, rankedCount, note } = ranking;
  return { query, candidates: table, scores, chosen, sources, stages, removed, degraded, ranked, rankedCount, note, lastResort };
}
