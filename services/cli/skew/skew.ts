/** Computes the features of served items again and holds them against the records of their answers. */

import type { EventBus } from "#libs/bus/bus.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { historyToProto } from "#libs/events/codec.ts";
import type { History } from "#libs/events/event.ts";
import { type IndexedCatalog, readCatalog, vocabularyPart } from "#libs/release/catalog-part.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { createPace } from "#libs/sparse/pace.ts";
import type { FleetModels, SequenceModel } from "../../fleet.ts";
import { dataSetFolder, type HomeFolders, openReleases } from "../home.ts";
import { agreeingPurchases, type CountedEvents, loadCountedEvents, purchasesOf } from "./counts.ts";
import { createDifferences, type Differences, type FeatureSkew } from "./differences.ts";
import { historyOf, type KnownEvents, loadKnownEvents } from "./histories.ts";
import { readServed, type SampledRecord } from "./served-records.ts";

export interface SkewOptions {
  readonly folders: HomeFolders;
  readonly bus: EventBus;
  readonly models: FleetModels;
  /** Data set that the profiles were seeded from; null: that of the newest release of the records. */
  readonly data: string | null;
  /** Watermark that they were seeded with, seconds since 1970 UTC. */
  readonly before: number;
  /** Latest records that are compared. */
  readonly recordsMax: number;
  readonly tolerance: number;
}

export interface SkewReport {
  /** Records of the topic, and those of them that are none. */
  readonly records: number;
  readonly unreadable: number;
  readonly compared: number;
  /** Records with features of releases that are stored no more, by release. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly tolerance: number;
  /** By feature; `history.*` is what the ranker was given of the subject, `live.*` what was counted live of the items. */
  readonly features: readonly FeatureSkew[];
}

interface RankerOfRelease {
  readonly manifest: ReleaseManifest;
  readonly catalog: IndexedCatalog;
  readonly sequence: SequenceModel | null;
  readonly artifact: unknown;
}

async function loadRanker(store: ReleaseStore, id: string, models: FleetModels): Promise<RankerOfRelease> {
  const manifest = await store.manifest(id);
  const catalog = readCatalog(await store.part(manifest, vocabularyPart));
  const sequence = await models.sequence.loadReleaseSequence(store, manifest, catalog);
  const artifact = await models.ranker.load({ part: await store.part(manifest, "ranking"), catalog, sequence });
  return { manifest, catalog, sequence, artifact };
}

function compareHistory({ features }: SampledRecord, { timesSeconds }: History, differences: Differences): void {
  differences.add("history.events", features.eventCount, timesSeconds.length);
  differences.add("history.first_event_seconds", features.firstEventSeconds, timesSeconds[0] ?? 0);
  differences.add("history.last_event_seconds", features.lastEventSeconds, timesSeconds.at(-1) ?? 0);
}

/** The ranker with the live counts that the record says it had, after these are held against the events of the bus. */
async function asServed(
  { features: { request, rows }, timeSeconds }: SampledRecord,
  counted: CountedEvents,
  { artifact, catalog }: RankerOfRelease,
  models: FleetModels,
  differences: Differences,
): Promise<unknown> {
  if (rows.live === undefined) return artifact;
  const view = models.liveRecord.liveViewOf(rows.live, catalog, (position) => catalog.indexOf.get(request.itemIds[position] ?? ""));
  for (const position of rows.positions) {
    const id = request.itemIds[position]!;
    const served = purchasesOf(view.added[catalog.indexOf.get(id)!]);
    differences.add("live.purchases", served, agreeingPurchases(counted.get(id) ?? [], served, timeSeconds, catalog));
  }
  return models.ranker.follow(artifact, view, createPace(new AbortController().signal));
}

async function compareRecord(
  record: SampledRecord,
  known: KnownEvents,
  counted: CountedEvents,
  loaded: RankerOfRelease,
  models: FleetModels,
  differences: Differences,
): Promise<void> {
  const { request, rows } = record.features;
  const hash = models.ranker.featureHash(loaded.artifact);
  if (rows.hash !== hash) {
    throw new ModisteError(
      "failed_precondition",
      "feature_hash",
      `record ${record.recommendationId}: its features (${rows.hash}) are not those of release ${record.release} as it is stored (${hash})`,
    );
  }
  const history = historyOf(record, known);
  compareHistory(record, history, differences);
  const read = models.rankRequest.readRankRequest({ ...request, events: historyToProto(history) }, loaded.catalog);
  const positions = Int32Array.from(rows.positions, (position) => read.known.indexOf(position));
  if (positions.includes(-1) || rows.values.length % Math.max(1, rows.positions.length) !== 0)
    throw new ModisteError(
      "data_loss",
      "record_broken",
      `record ${record.recommendationId}: its feature rows do not go with its candidates`,
    );
  const artifact = await asServed(record, counted, loaded, models, differences);
  const { names, values } = models.ranker.features(artifact, read.query, positions);
  if (values.length !== rows.values.length)
    throw new ModisteError(
      "data_loss",
      "record_broken",
      `record ${record.recommendationId}: has ${rows.values.length} values in ${positions.length} rows, expected ${values.length}`,
    );
  values.forEach((value, i) => {
    differences.add(names[i % names.length]!, rows.values[i]!, value);
  });
}

function byRelease(records: readonly SampledRecord[]): Map<string, SampledRecord[]> {
  const releases = new Map<string, SampledRecord[]>();
  for (const record of records) releases.set(record.release, [...(releases.get(record.release) ?? []), record]);
  return releases;
}

/**
 * Throws `failed_precondition` saying what is missing: no records, none with features, none of a release that is stored, features of another
 * hash. A subject whose profile was seeded from elsewhere differs, and is meant to.
 */
export async function measureSkew(options: SkewOptions): Promise<SkewReport> {
  const { folders, bus, models, tolerance } = options;
  const { count, unreadable, sampled } = await readServed(bus, options.recordsMax);
  const store = openReleases(folders);
  const stored = await store.list();
  const releases = byRelease(sampled);
  const [here, gone] = [
    [...releases.keys()].filter((id) => stored.includes(id)),
    [...releases.keys()].filter((id) => !stored.includes(id)),
  ];
  const newest = here.at(-1);
  if (newest === undefined) {
    const where = stored.length === 0 ? "none is stored" : `stored are ${stored.join(", ")}`;
    throw new ModisteError(
      "failed_precondition",
      "release_missing",
      `${sampled.length} records with features are of release ${gone.join(", ")}; ${where} in ${store.location}`,
    );
  }
  const data = options.data ?? (await store.manifest(newest)).data.name;
  const dataset = await openDataset(dataSetFolder(folders, data));
  const differences = createDifferences(tolerance);
  let compared = 0;
  try {
    const subjects = new Set(sampled.flatMap((record) => record.subjects));
    const known = await loadKnownEvents(bus, dataset, subjects, options.before);
    const counted = await loadCountedEvents(bus);
    for (const id of here) {
      const loaded = await loadRanker(store, id, models);
      try {
        for (const record of releases.get(id)!) await compareRecord(record, known, counted, loaded, models, differences);
        compared += releases.get(id)!.length;
      } finally {
        await models.ranker.close(loaded.artifact);
        await loaded.sequence?.close();
      }
    }
  } finally {
    dataset.close();
  }
  const skipped = Object.fromEntries(gone.map((id) => [id, releases.get(id)!.length]));
  return { records: count, unreadable, compared, skipped, tolerance, features: differences.list() };
}
