/** A release read back from its store as services read it, ready to answer without a network. */

import { traitsOf } from "#libs/pipeline/arrange.ts";
import { surfaces } from "#libs/pipeline/surfaces.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import { readCatalog, vocabularyPart } from "#libs/release/catalog-part.ts";
import type { GoldenRequest, ReleaseManifest } from "#libs/release/manifest.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { candidatesMax, type FleetModels, type SequenceModel } from "../../fleet.ts";
import type { LoadedSource, OfflineUser } from "../training/offline.ts";
import type { OfflineModel } from "../training/recommend.ts";

export interface LoadedRelease {
  readonly manifest: ReleaseManifest;
  readonly catalog: IndexedCatalog;
  readonly model: OfflineModel;
  /** The list for when no source answers, dense indexes. */
  readonly popular: Int32Array;
  /** Null where the release has none. */
  readonly sequence: SequenceModel | null;
}

/** Verifies every part on the way. Throws `data_loss` or `failed_precondition` naming release, part and what is wrong. */
export async function loadRelease(store: ReleaseStore, manifest: ReleaseManifest, models: FleetModels): Promise<LoadedRelease> {
  const catalog = readCatalog(await store.part(manifest, vocabularyPart));
  const sources: LoadedSource[] = [];
  for (const { name, source } of models.sources) {
    sources.push({ name, source, artifact: await source.load({ part: await store.part(manifest, name), catalog }) });
  }
  const sequence = await models.sequence.loadReleaseSequence(store, manifest, catalog);
  const gateway = await models.gatewayPart.loadGateway(await store.part(manifest, "gateway"));
  const model: OfflineModel = {
    sources,
    quotas: gateway.quotas,
    fusion: gateway.fusion,
    candidatesMax,
    ranker: models.ranker,
    artifact: await models.ranker.load({ part: await store.part(manifest, "ranking"), catalog, sequence }),
    arrange: surfaces.home.arrange,
    traits: traitsOf(catalog),
  };
  return { manifest, catalog, model, popular: gateway.popular, sequence };
}

/** The user of a golden request in the terms of the release; events on items that it does not know are left out, as in serving. */
export function goldenUser({ catalog }: LoadedRelease, golden: GoldenRequest): OfflineUser {
  const { item_ids: ids, types, times_seconds: times } = golden.events;
  const known = ids.flatMap((id, i) => (catalog.indexOf.has(id) ? [i] : []));
  return {
    items: Int32Array.from(known, (i) => catalog.indexOf.get(ids[i]!)!),
    times: Float64Array.from(known, (i) => times[i]!),
    types: Uint8Array.from(known, (i) => types[i]!),
    attributes: new Map(Object.entries(golden.attributes)),
    nowSeconds: golden.now_seconds,
  };
}
