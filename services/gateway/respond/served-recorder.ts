/** Writes down what was answered: best effort, behind the answer's back, and never more than a bounded buffer holds. */

import { setTimeout as delay } from "node:timers/promises";
import { type EventBus, topics } from "#libs/bus/bus.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";
import type { RecommendResponse } from "#protos/recommender.ts";
import { Served } from "#protos/served.ts";
import type { ServedResult } from "./respond.ts";
import { servedRecord } from "./served-record.ts";

export interface ServedRecorderOptions {
  readonly bus: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Share of answers that are recorded, 0 to 1. */
  readonly servedShare: number;
  /** Share of ranked answers whose record holds features, 0 to 1. */
  readonly featuresShare: number;
}

export interface ServedRecorder {
  /** Feature rows to ask of the ranker for this answer's record; 0 for most. */
  featureRows(recommendationId: string): number;
  /** Neither waits nor throws; what the buffer cannot take is dropped and counted. */
  record(result: ServedResult, response: RecommendResponse): void;
  /** Writes what waits, for at most `closeMsMax`. */
  close(): Promise<void>;
}

/** Rows of one record: the best by score, most of which are served. */
const rowsPerRecord = 8;
/** Records that wait at most: some seconds of a gateway at its limit. */
const bufferMax = 2000;
const batchMax = 200;
/** Milliseconds that a record waits for company: a flush of the log for each would hold up those of events. */
const pauseMs = 100;
const closeMsMax = 2000;

/** Whether a share of all ids holds this one, decided by eight hexadecimal digits of it: the same id is decided alike everywhere. */
const holds = (share: number, digits: string): boolean => Number.parseInt(digits, 16) < share * 2 ** 32;
const isRecorded = (share: number, id: string): boolean => holds(share, id.slice(0, 8));
const isSampled = (share: number, id: string): boolean => holds(share, id.slice(-8));

export function createServedRecorder(options: ServedRecorderOptions): ServedRecorder {
  const { bus, clock, log, metrics, servedShare, featuresShare } = options;
  const records = metrics.counter(
    "modiste_served_records_total",
    "Records of answers: written, or dropped because of overflow or failure",
    ["outcome"],
  );
  const buffer: Served[] = [];
  let timer: NodeJS.Timeout | null = null;
  let writing: Promise<void> | null = null;
  let failing = false;

  const write = async (batch: readonly Served[]): Promise<void> => {
    try {
      const written = batch.map((served) => ({
        key: served.subjects[0] ?? served.recommendationId,
        value: Served.encode(served).finish(),
      }));
      await bus.publish(topics.served, written);
      records.inc({ outcome: "written" }, batch.length);
      failing = false;
    } catch (err) {
      records.inc({ outcome: "failed" }, batch.length);
      // Told once until it goes well again: there are as many failures as answers.
      if (!failing) log.warn({ err }, "records of answers cannot be written; they are dropped");
      failing = true;
    }
  };
  const drain = async (): Promise<void> => {
    while (buffer.length > 0) await write(buffer.splice(0, batchMax));
    // In the turn that found the buffer empty: a record of the next one starts anew.
    writing = null;
  };
  const start = (): Promise<void> => {
    timer = null;
    if (buffer.length === 0) return writing ?? Promise.resolve();
    writing ??= drain();
    return writing;
  };

  return {
    featureRows: (id) => (isRecorded(servedShare, id) && isSampled(featuresShare, id) ? rowsPerRecord : 0),
    record: (result, response) => {
      if (!isRecorded(servedShare, response.recommendationId)) return;
      if (buffer.length >= bufferMax) {
        records.inc({ outcome: "overflow" });
        return;
      }
      buffer.push(servedRecord(result, response, clock.nowSeconds()));
      if (timer === null && writing === null) timer = setTimeout(() => void start(), pauseMs).unref();
    },
    close: async () => {
      if (timer !== null) clearTimeout(timer);
      await Promise.race([start(), delay(closeMsMax, undefined, { ref: false })]);
      if (buffer.length > 0) records.inc({ outcome: "failed" }, buffer.length);
    },
  };
}
