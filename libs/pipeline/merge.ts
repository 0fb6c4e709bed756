/** Brings the answers of all sources together by item. */

import type { CandidateTable, SourceAnswer, SourceColumn } from "./pipeline.ts";

export interface NamedAnswer {
  readonly source: string;
  readonly answer: SourceAnswer;
}

/** Candidates ordered by their best rank, then by item, so that the answer does not depend on the order of the sources; at most `limit`. */
function orderItems(answers: readonly NamedAnswer[], limit: number): Int32Array {
  const bestRank = new Map<number, number>();
  for (const { answer } of answers) {
    answer.items.forEach((item, i) => {
      const known = bestRank.get(item);
      if (known === undefined || i < known) bestRank.set(item, i);
    });
  }
  const items = [...bestRank.keys()].sort((a, b) => bestRank.get(a)! - bestRank.get(b)! || a - b);
  return Int32Array.from(items.slice(0, limit));
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
  const items = orderItems(answers, limit);
  const positionOf = new Map<number, number>();
  items.forEach((item, position) => {
    positionOf.set(item, position);
  });
  return { items, sources: answers.map((answer) => alignColumn(answer, positionOf)) };
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
