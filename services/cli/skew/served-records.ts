/** Records of answers whose features can be computed again. */

import { type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { FeatureRows, RankRequest } from "#protos/ranker.ts";
import { Served, type ServedFeatures } from "#protos/served.ts";

export interface SampledRecord {
  readonly recommendationId: string;
  readonly subjects: readonly string[];
  /** Wall clock of the gateway, seconds since 1970 UTC. */
  readonly timeSeconds: number;
  readonly release: string;
  readonly features: ServedFeatures & { readonly request: RankRequest; readonly rows: FeatureRows };
}

export interface ServedRecords {
  /** Records of the topic, with features or without. */
  readonly count: number;
  /** Those that are no record. */
  readonly unreadable: number;
  /** The latest that hold features, oldest first. */
  readonly sampled: readonly SampledRecord[];
}

/** Null for bytes that are no record: others may write to the bus too, and one of them must not hide the rest. */
function decode(value: Uint8Array): Served | null {
  try {
    return Served.decode(value);
  } catch {
    return null;
  }
}

function sampledOf({ recommendationId, subjects, timeSeconds, features }: Served): SampledRecord[] {
  const { request, rows } = features ?? {};
  if (!features || !request || !rows || rows.positions.length === 0) return [];
  return [{ recommendationId, subjects, timeSeconds, release: request.release, features: { ...features, request, rows } }];
}

/** The latest `most` records with features. Throws `failed_precondition` saying so when there is none. */
export async function readServed(bus: EventBus, most: number): Promise<ServedRecords> {
  let count = 0;
  let unreadable = 0;
  let sampled: SampledRecord[] = [];
  await readPublished(bus, topics.served, async ({ records }) => {
    for (const { value } of records) {
      const served = decode(value);
      count++;
      if (served === null) unreadable++;
      else sampled.push(...sampledOf(served));
    }
    sampled = sampled.slice(-most);
  });
  if (count === 0)
    throw new ModisteError("failed_precondition", "no_records", `the topic ${topics.served} of this home has no records of answers`);
  if (sampled.length === 0) {
    const broken = unreadable > 0 ? `, ${unreadable} of them unreadable` : "";
    const share = "MODISTE_SERVED_FEATURES_SHARE sets the share of answers that do";
    throw new ModisteError("failed_precondition", "no_features", `${count} records of answers${broken}, but none holds features: ${share}`);
  }
  return { count, unreadable, sampled };
}
