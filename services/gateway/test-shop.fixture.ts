/** Six items of two products, worked by hand, as a gateway's release; for the tests of its stages. */

import { createFilterCache, noFilter } from "#libs/catalog/filter.ts";
import { type EventType, emptyHistory, eventCode, type History } from "#libs/events/event.ts";
import { traitsOf } from "#libs/pipeline/arrange.ts";
import type { CandidateTable, SourceColumn } from "#libs/pipeline/pipeline.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import { indexCatalog } from "#libs/release/catalog-part.ts";
import { type ReleaseManifest, releaseFormat } from "#libs/release/manifest.ts";
import type { GatewayQuery } from "./query.ts";
import type { GatewayRelease } from "./release.ts";
import { noRules } from "./rules/active-rules.ts";

/** Midnight that ends the data. */
export const dataEnd = 1_600_819_200;
const day = 86_400;

const manifest: ReleaseManifest = {
  format: releaseFormat,
  id: "r1",
  parent: null,
  created_seconds: dataEnd,
  clock_behind_seconds: 0,
  code_version: "test",
  data: { name: "six", fingerprint: "0", end_seconds: dataEnd },
  feature_hash: "0",
  parts: {},
  metrics: {},
  promotion: { decision: "first", reasons: [], watched: {} },
  golden: [],
};

/** a0 a1 a2: product A in black, white, black; b0 b1: product B; c0: never sold. b1 was last sold 100 days ago. */
export function sixItems(): GatewayRelease {
  const catalog = indexCatalog(
    {
      itemCount: 6,
      ids: ["a0", "a1", "a2", "b0", "b1", "c0"],
      names: ["Anna black", "Anna white", "Anna black 2", "Bea", "Bea old", "Cleo"],
      texts: [],
      category: { name: "category", values: ["Dress", "Shirt"], codes: Int32Array.of(0, 0, 0, 1, 1, 1) },
      productGroup: { name: "product_group", values: ["A", "B", "C"], codes: Int32Array.of(0, 0, 0, 1, 1, 2) },
      attributes: [{ name: "colour", values: ["Black", "White"], codes: Int32Array.of(0, 1, 0, 1, 1, -1) }],
      prices: Float32Array.of(10, 10, 12, 20, 20, 0),
      firstSaleSeconds: Uint32Array.of(1, 1, 1, 1, 1, 0),
      lastSaleSeconds: Uint32Array.of(dataEnd - day, dataEnd - day, dataEnd - day, dataEnd - day, dataEnd - 100 * day, 0),
    },
    dataEnd,
  );
  const part = { quotas: { itemcf: 40 }, fusion: { itemcf: 1, popularity: 0.5 }, popular: Int32Array.of(3, 0) };
  return {
    manifest,
    catalog,
    part,
    traits: traitsOf(catalog),
    allowed: createFilterCache(catalog),
    soldSince: () => new Set(),
  };
}

/** Events as [item id, type, days before the end of the data]. */
export function historyOf(...events: readonly (readonly [string, EventType, number])[]): History {
  return {
    itemIds: events.map(([id]) => id),
    types: events.map(([, type]) => eventCode[type]),
    timesSeconds: events.map(([, , days]) => dataEnd - days * day),
    values: events.map(() => 0),
  };
}

export function queryOf(overrides: Partial<GatewayQuery> = {}): GatewayQuery {
  return {
    kind: "recommend",
    subjects: ["u1"],
    surface: surfaces.home,
    limit: 12,
    nowSeconds: dataEnd,
    asOf: false,
    filter: noFilter,
    seedItemIds: [],
    session: [],
    attributes: new Map(),
    history: emptyHistory,
    knowledge: "known",
    profileAnswered: false,
    rules: noRules,
    featureRows: 0,
    explain: false,
    release: sixItems(),
    ...overrides,
  };
}

export function columnOf(source: string, ranks: readonly number[], word: string, because: readonly string[] = []): SourceColumn {
  return {
    source,
    scores: Float32Array.from(ranks, (rank) => (rank === 0 ? 0 : 1 / rank)),
    ranks: Uint32Array.from(ranks),
    reasons: new Uint8Array(ranks.length),
    reasonWords: [word],
    because: ranks.map((_, i) => because[i] ?? ""),
    pinned: true,
  };
}

export function tableOf(items: readonly number[], ...sources: readonly SourceColumn[]): CandidateTable {
  return { items: Int32Array.from(items), sources };
}
