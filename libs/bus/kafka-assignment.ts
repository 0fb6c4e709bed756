/** The partitions that a consumer holds: where each goes on, and one batch at a time of each, across rebalances. */

import type { KafkaMessage } from "kafkajs";
import { ModisteError } from "#libs/core/errors.ts";
import type { BusHeaders, ConsumedRecord, ConsumeOptions } from "./bus.ts";
import type { KafkaTopics } from "./kafka-topics.ts";

/** Most records of one call of `onBatch`. */
const sliceMax = 1000;

/** What the group's client does for us. */
export interface PartitionControl {
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  seek(partition: number, offset: number): void;
}

export interface FetchedBatch {
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  /** Offset after the last record of the partition. */
  readonly end: number;
  /** Called after each slice with the offset behind it; answers whether to go on with the next. */
  onSlice(next: number): boolean;
}

export interface Assignment {
  /** A new generation of the group gave us these. Nothing of them is fetched before they stand where `startAt` says. */
  take(partitions: readonly number[]): Promise<void>;
  /** What is not ours any more, or was delivered before, is left out. */
  deliver(batch: FetchedBatch): Promise<void>;
  /** No further slice is begun; resolves when those under way have ended. */
  stop(): Promise<void>;
}

interface AssignmentParts extends Pick<ConsumeOptions, "startAt" | "onBatch"> {
  readonly topic: string;
  readonly topics: Pick<KafkaTopics, "offsets" | "nameOf">;
  readonly control: PartitionControl;
}

function textOf(value: Buffer | string | (Buffer | string)[] | undefined): string {
  const first = Array.isArray(value) ? value.at(-1) : value;
  return first === undefined ? "" : first.toString();
}

function recordOf({ key, value, offset, timestamp, headers = {} }: KafkaMessage): ConsumedRecord {
  const texts: BusHeaders = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name.toLowerCase(), textOf(text)]));
  const bytes = value === null ? new Uint8Array(0) : new Uint8Array(value);
  return { key: key?.toString() ?? "", value: bytes, headers: texts, offset: Number(offset), publishedSeconds: Number(timestamp) / 1000 };
}

export function createAssignment({ topic, topics, control, startAt, onBatch }: AssignmentParts): Assignment {
  /** Offset that each partition of this generation goes on with; one that is not here yet must wait. */
  const positions = new Map<number, number>();
  /** Slices under way, also of an earlier generation. They never reject. */
  const busy = new Map<number, Promise<void>>();
  let generation = 0;
  let stopped = false;

  const lost = (partition: number, position: number, end: number): ModisteError =>
    new ModisteError(
      "failed_precondition",
      "position_beyond_log",
      `topic ${topic}, partition ${topics.nameOf(partition)}: position ${position} lies beyond the log's end ${end}. ` +
        "The topic was made anew or has lost records: give MODISTE_KAFKA_EPOCH another word",
    );
  const startOf = async (partitions: readonly number[]): Promise<ReadonlyMap<number, number>> => {
    const wanted = await Promise.all(partitions.map(async (n) => [n, await startAt(topics.nameOf(n))] as const));
    const kept = await topics.offsets(topic);
    return new Map(
      wanted.map(([partition, position]) => {
        const { low, high } = kept.get(partition) ?? {};
        if (low === undefined || high === undefined)
          throw new ModisteError("unavailable", "partition_missing", `topic ${topic} does not show its partition ${partition} yet`);
        if (position > high) throw lost(partition, position, high);
        return [partition, Math.max(low, position)];
      }),
    );
  };
  /** Answers whether to go on. */
  const deliverSlice = async (records: readonly ConsumedRecord[], batch: FetchedBatch, mine: number): Promise<boolean> => {
    const { partition, end, onSlice } = batch;
    await onBatch({ partition: topics.nameOf(partition), records, end });
    if (mine !== generation) return false;
    const next = records.at(-1)!.offset + 1;
    positions.set(partition, next);
    return onSlice(next) && !stopped;
  };
  const alone = async <T>(partition: number, work: Promise<T>): Promise<T> => {
    const ended = work.then(
      () => undefined,
      () => undefined,
    );
    busy.set(partition, ended);
    try {
      return await work;
    } finally {
      if (busy.get(partition) === ended) busy.delete(partition);
    }
  };

  return {
    take: async (partitions) => {
      const mine = ++generation;
      positions.clear();
      if (partitions.length === 0) return;
      control.pause(partitions);
      await Promise.all(partitions.map((partition) => busy.get(partition)));
      if (mine !== generation) return;
      const starts = await startOf(partitions);
      if (mine !== generation) return;
      for (const [partition, offset] of starts) {
        positions.set(partition, offset);
        control.seek(partition, offset);
      }
      control.resume(partitions);
    },
    deliver: async (batch) => {
      const { partition, messages, end } = batch;
      const mine = generation;
      const position = positions.get(partition);
      if (position === undefined || stopped) return;
      if (end < position) throw lost(partition, position, end);
      const fresh = messages.filter(({ offset }) => Number(offset) >= position);
      if (fresh.length === 0 && messages.length > 0) batch.onSlice(Number(messages.at(-1)!.offset) + 1);
      for (let from = 0; from < fresh.length; from += sliceMax) {
        const records = fresh.slice(from, from + sliceMax).map(recordOf);
        if (!(await alone(partition, deliverSlice(records, batch, mine)))) return;
      }
    },
    stop: async () => {
      stopped = true;
      await Promise.all(busy.values());
    },
  };
}
