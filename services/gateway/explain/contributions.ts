/** What adds to the scores of the items that are shown: a second look of the ranking service, at them alone. */

import { toModisteError } from "#libs/core/errors.ts";
import { columnAt } from "#libs/features/features.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { Contributions, RankerDefinition, RankRequest } from "#protos/ranker.ts";
import type { Contribution } from "#protos/recommender.ts";
import type { ServedResult } from "../respond/respond.ts";

/** By item id; items that the ranker did not score have none. */
export type ItemContributions = ReadonlyMap<string, readonly Contribution[]>;

const noContributions: ItemContributions = new Map();

/** The request as the ranker answered it, for the candidates at these positions. */
function requestFor(request: RankRequest, positions: readonly number[]): RankRequest {
  return {
    ...request,
    itemIds: positions.map((position) => request.itemIds[position]!),
    sources: request.sources.map((column) => columnAt(column, positions)),
    featureRows: 0,
    contributionRows: positions.length,
  };
}

function byItem({ groups, positions, values }: Contributions, { itemIds }: RankRequest): ItemContributions {
  return new Map(
    positions.map((position, row) => {
      const own = groups.map((group, g) => ({ group, value: values[row * groups.length + g]! })).filter(({ value }) => value !== 0);
      return [itemIds[position]!, own.sort((a, b) => Math.abs(b.value) - Math.abs(a.value))];
    }),
  );
}

export interface Explained {
  readonly items: ItemContributions;
  /** Why there are none though they were asked for, a word for `coverage.degraded`; null otherwise. */
  readonly problem: string | null;
}

export const unexplained: Explained = { items: noContributions, problem: null };

/** A list stands without them: what goes wrong here is told beside it. */
export async function explainScores(
  ranker: Client<typeof RankerDefinition>,
  result: ServedResult,
  signal: AbortSignal,
): Promise<Explained> {
  const { note, query, candidates } = result;
  if (!note) return unexplained;
  const sent = new Map(note.request.itemIds.map((id, position) => [id, position]));
  const shown = Array.from(result.chosen, (position) => query.release.catalog.ids[candidates.items[position]!]!);
  const request = requestFor(
    note.request,
    shown.flatMap((id) => sent.get(id) ?? []),
  );
  if (request.itemIds.length === 0) return unexplained;
  try {
    const { release, contributions } = await ranker.rank(request, { signal });
    // Another release's model would explain scores that it did not give.
    if (release !== request.release) return { items: noContributions, problem: "explain:other_release" };
    return { items: contributions ? byItem(contributions, request) : noContributions, problem: null };
  } catch (cause) {
    return { items: noContributions, problem: `explain:${toModisteError(cause).code}` };
  }
}
