/** The embedded bus: an lmdb file that the processes of one machine share. One partition a topic. */

import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Database, open, type RootDatabase } from "lmdb";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import { type BusRecord, type ConsumedRecord, type Consumer, type EventBus, retentionSeconds } from "./bus.ts";

/** Milliseconds between two looks at the log; other processes' records are seen by looking. */
const lookEveryMs = 3;
/**
 * Longest that an acknowledgement waits for the consumers of its own process: who reads next then finds the event's effect. Durability
 * does not depend on it.
 */
const appliedMsMax = 100;
/** Most records of one batch. */
const batchMax = 1000;

/** Bytes before the key: time of publishing (double), length of the key (16 bits). */
const headBytes = 10;

function pack({ key, value }: BusRecord, nowSeconds: number): Buffer {
  const keyBytes = Buffer.from(key, "utf8");
  const record = Buffer.allocUnsafe(headBytes + keyBytes.length + value.length);
  record.writeDoubleLE(nowSeconds, 0);
  record.writeUInt16LE(keyBytes.length, 8);
  keyBytes.copy(record, headBytes);
  record.set(value, headBytes + keyBytes.length);
  return record;
}

function unpack(offset: number, record: Buffer): ConsumedRecord {
  const keyEnd = headBytes + record.readUInt16LE(8);
  const key = record.toString("utf8", headBytes, keyEnd);
  return { offset, publishedSeconds: record.readDoubleLE(0), key, value: new Uint8Array(record.subarray(keyEnd)) };
}

/** A consumer of this process. */
interface Reader {
  /** Offset of the first record that it has not dealt with. */
  next: number;
}

interface Topic {
  /** Records by offset, from 0. */
  readonly log: Database<Buffer, number>;
  readonly epoch: string;
  readonly readers: Set<Reader>;
}

/** Opens the log in `folder`, which is made. */
export function openLmdbBus(folder: string, clock: Clock = systemClock): EventBus {
  const root: RootDatabase<string, string> = open({ path: folder, encoding: "string", maxDbs: 16 });
  const opened = new Map<string, Topic>();
  const appended = new EventEmitter().setMaxListeners(0);
  const applied = new EventEmitter().setMaxListeners(0);
  const stopping = new AbortController();

  const topicOf = (name: string): Topic => {
    const found = opened.get(name);
    if (found) return found;
    const log = root.openDB<Buffer, number>(name, { encoding: "binary", keyEncoding: "uint32" });
    const key = `epoch/${name}`;
    const epoch = root.transactionSync(() => {
      const known = root.get(key);
      if (known === undefined) root.putSync(key, randomUUID());
      return known ?? (root.get(key) as string);
    });
    const topic = { log, epoch, readers: new Set<Reader>() };
    opened.set(name, topic);
    return topic;
  };
  /** Inside a transaction. Reads a counter, since ranges there do not see what the transaction has written. */
  const takeOffsets = (name: string, count: number): number => {
    const key = `next/${name}`;
    const next = Number(root.get(key) ?? "0");
    void root.put(key, String(next + count));
    return next;
  };

  /**
   * Inside a transaction. Twice as many as are added at most, so that nobody who publishes waits long and an old log shrinks all the same; never the
   * last record, which tells readers where the log ends.
   */
  const dropOld = (name: string, { log }: Topic, added: number, nowSeconds: number): void => {
    const kept = retentionSeconds[name];
    if (kept === undefined) return;
    for (const { key, value } of log.getRange({ limit: 2 * added })) {
      if (unpack(key, value).publishedSeconds >= nowSeconds - kept) return;
      void log.remove(key);
    }
  };

  /** Resolves when the consumers of this process have dealt with everything before `end`, and at the latest after `appliedMsMax`. */
  const untilApplied = (name: string, { readers }: Topic, end: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(done, appliedMsMax);
      function look(): void {
        for (const reader of readers) if (reader.next < end) return;
        done();
      }
      function done(): void {
        clearTimeout(timer);
        applied.off(name, look);
        resolve();
      }
      applied.on(name, look);
      look();
    });

  const consume: EventBus["consume"] = async (name, startAt, onBatch) => {
    const topic = topicOf(name);
    const partition = `${topic.epoch}/0`;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, stopping.signal]);
    const reader: Reader = { next: startAt(partition) };
    const arrival = (): Promise<unknown> =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(done, lookEveryMs);
        function done(): void {
          clearTimeout(timer);
          appended.off(name, done);
          signal.removeEventListener("abort", done);
          resolve();
        }
        appended.once(name, done);
        signal.addEventListener("abort", done, { once: true });
      });
    const run = async (): Promise<void> => {
      while (!signal.aborted) {
        const records: ConsumedRecord[] = [];
        for (const { key, value } of topic.log.getRange({ start: reader.next, limit: batchMax })) records.push(unpack(key, value));
        if (records.length === 0) {
          await arrival();
          continue;
        }
        await onBatch({ partition, records });
        reader.next = records.at(-1)!.offset + 1;
        applied.emit(name);
      }
    };
    topic.readers.add(reader);
    const finished = run().finally(() => {
      topic.readers.delete(reader);
      applied.emit(name);
    });
    // Whoever awaits `finished` hears of a failure; without this line an early one would end the process.
    finished.catch(() => undefined);
    const consumer: Consumer = {
      finished,
      close: async () => {
        stop.abort();
        await finished.catch(() => undefined);
      },
    };
    return consumer;
  };

  return {
    publish: async (name, records) => {
      if (records.length === 0) return;
      const topic = topicOf(name);
      const now = clock.nowSeconds();
      const packed = records.map((record) => pack(record, now));
      const end = await topic.log.transaction(() => {
        dropOld(name, topic, packed.length, now);
        let offset = takeOffsets(name, packed.length);
        for (const record of packed) void topic.log.put(offset++, record);
        return offset;
      });
      appended.emit(name);
      await topic.log.flushed;
      await untilApplied(name, topic, end);
    },
    consume,
    ends: async (name) => new Map([[`${topicOf(name).epoch}/0`, Number(root.get(`next/${name}`) ?? "0")]]),
    close: async () => {
      stopping.abort();
      // One turn for consumers to leave their reads before the file is unmapped.
      await delay(lookEveryMs * 2);
      await root.close();
    },
  };
}
