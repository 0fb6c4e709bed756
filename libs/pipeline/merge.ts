/** Brings the answers of all sources together by item. */

import type { CandidateTable, SourceAnswer, SourceColumn } from "./pipeline.ts";

export interface NamedAnswer {
  readonly source: string;
  readonly answer: SourceAnswer;
}

/**
 * Candidates ordered by their best rank, then by item, so that the answer does not depend on the order of the sources; at most `limit`.
 * Answers the place of each item. The lists are read side by side, a rank at a time: only items of one rank have to be sorted.
 */
function orderItems(answers: readonly NamedAnswer[], limit: number): Map<number, number> {
  const positionOf = new Map<number, number>();
  const longest = answers.reduce((length, { answer }) => Math.max(length, answer.items.length), 0);
  for (let rank = 0; rank < longest && positionOf.size < limit; rank++) {
    const fresh: number[] = [];
    for (const { answer } of answers) {
      if (rank < answer.items.length && !positionOf.has(answer.items[rank]!)) fresh.push(answer.items[rank]!);
    }
    if (fresh.length > 1) fresh.sort((a, b) => a - b);
    for (const item of fresh) if (positionOf.size < limit && !positionOf.has(item)) positionOf.set(item, positionOf.size);
  }
  return positionOf;
}

function alignColumn({ source, answer }: NamedAnswer, positionOf: ReadonlyMap<number, number>): SourceColumn {
  const count = positionOf.size;
  const scores = new Float32Array(count);
  const ranks = new Uint32Array(count);
  const reasons = new Uint8Array(count);
  const because = new Array<string>(count).fill("");
  for (let i = 0; i < answer.items.length; i++) {
    const position = positionOf.get(answer.items[i]!);
    if (position === undefined || ranks[position] !== 0) continue;
    scores[position] = answer.scores[i]!;
    ranks[position] = i + 1;
    reasons[position] = answer.reasons[i]!;
    because[position] = answer.because[i] ?? "";
  }
  return { source, scores, ranks, reasons, reasonWords: answer.reasonWords, because, pinned: answer.pinned };
}

/** Keeps every source's rank and score. O(candidates log candidates). */
export function mergeAnswers(answers: readonly NamedAnswer[], limit: number): CandidateTable {
  const positionOf = orderItems(answers, limit);
  return { items: Int32Array.from(positionOf.keys()), sources: answers.map((answer) => alignColumn(answer, positionOf)) };
}

/** The table with further items at its end, which no source named. `items` has no double and nothing of the table. */
export function appendCandidates(table: CandidateTable, items: readonly number[]): CandidateTable {
  if (items.length === 0) return table;
  const count = table.items.length + items.length;
  const grown = <A extends Float32Array | Uint32Array | Uint8Array | Int32Array>(column: A): A => {
    const longer = new (column.constructor as new (length: number) => A)(count);
    longer.set(column);
    return longer;
  };
  const all = grown(table.items);
  all.set(items, table.items.length);
  return {
    items: all,
    sources: table.sources.map((column) => ({
      ...column,
      scores: grown(column.scores),
      ranks: grown(column.ranks),
      reasons: grown(column.reasons),
      because: [...column.because, ...items.map(() => "")],
    })),
  };
}

/** The table without the positions that `keep` refuses. */
export function selectCandidates(table: CandidateTable, kept: Int32Array): CandidateTable {
  if (kept.length === table.items.length) return table;
  const pick = <A extends Float32Array | Uint32Array | Uint8Array | Int32Array>(column: A): A => {
    const type = column.constructor as new (length: number) => A;
    const picked = new type(kept.length);
    for (let i = 0; i < kept.length; i++) picked[i] = column[kept[i]!]!;
    return picked;
  };
  return {
    items: pick(table.items),
    sources: table.sources.map((column) => ({
      ...column,
      scores: pick(column.scores),
      ranks: pick(column.ranks),
      reasons: pick(column.reasons),
      because: Array.from(kept, (position) => column.because[position]!),
    })),
  };
}
