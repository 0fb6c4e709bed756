/** The embedded bus: an lmdb file that the processes of one machine share. One partition a topic. */

import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Database, open, type RootDatabase } from "lmdb";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { type BusHeaders, type BusRecord, type ConsumedRecord, type Consumer, type EventBus, retentionSeconds } from "./bus.ts";

/** Milliseconds between two looks at the log; other processes' records are seen by looking. */
const lookEveryMs = 3;
/** Longest that an acknowledgement waits for the consumers of its own process. */
const appliedMsMax = 100;
/** Most records of one batch. */
const batchMax = 1000;

/** Bytes before the key: time of publishing (double), lengths of the key and of the headers (16 bits each). */
const headBytes = 12;
/** Set in the key's length where headers follow; logs of before have none, and two bytes less. */
const hasHeaders = 0x8000;

function pack({ key, value, headers = {} }: BusRecord, nowSeconds: number): Buffer {
  const keyBytes = Buffer.from(key, "utf8");
  const headerBytes = Buffer.from(JSON.stringify(headers), "utf8");
  const record = Buffer.allocUnsafe(headBytes + keyBytes.length + headerBytes.length + value.length);
  record.writeDoubleLE(nowSeconds, 0);
  record.writeUInt16LE(keyBytes.length | hasHeaders, 8);
  record.writeUInt16LE(headerBytes.length, 10);
  keyBytes.copy(record, headBytes);
  headerBytes.copy(record, headBytes + keyBytes.length);
  record.set(value, headBytes + keyBytes.length + headerBytes.length);
  return record;
}

const publishedAt = (record: Buffer): number => record.readDoubleLE(0);

function unpack(offset: number, record: Buffer): ConsumedRecord {
  const lengths = record.readUInt16LE(8);
  const keyStart = lengths & hasHeaders ? headBytes : headBytes - 2;
  const keyEnd = keyStart + (lengths & ~hasHeaders);
  const headersEnd = keyEnd + (lengths & hasHeaders ? record.readUInt16LE(10) : 0);
  return {
    offset,
    publishedSeconds: publishedAt(record),
    key: record.toString("utf8", keyStart, keyEnd),
    headers: headersEnd === keyEnd ? {} : (JSON.parse(record.toString("utf8", keyEnd, headersEnd)) as BusHeaders),
    value: new Uint8Array(record.subarray(headersEnd)),
  };
}

/** A consumer of this process. */
interface Reader {
  /** Offset of the first record that it has not dealt with. */
  next: number;
}

/** Records of one publication. */
interface Append {
  /** Offset of the first of them; beyond all while it is not known. */
  first: number;
}

interface Topic {
  /** Records by offset, from 0. */
  readonly log: Database<Buffer, number>;
  readonly epoch: string;
  readonly readers: Set<Reader>;
  /** What this process appends, until it is flushed. */
  readonly unflushed: Set<Append>;
}

const positionBeyondLog = (folder: string, topic: string, position: number, end: number): ModisteError =>
  new ModisteError(
    "failed_precondition",
    "position_beyond_log",
    `topic ${topic} in ${folder}: position ${position} lies beyond the log's end ${end}. ` +
      "The log has lost records, or was put back from an older copy: put the stores back from the same copy, or remove the log's folder, which begins another epoch",
  );

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
    const topic = { log, epoch, readers: new Set<Reader>(), unflushed: new Set<Append>() };
    opened.set(name, topic);
    return topic;
  };
  const endOf = (name: string): number => Number(root.get(`next/${name}`) ?? "0");

  /** Inside a transaction. Reads a counter, since ranges there do not see what the transaction has written. */
  const takeOffsets = (name: string, count: number): number => {
    const next = endOf(name);
    void root.put(`next/${name}`, String(next + count));
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
      if (publishedAt(value) >= nowSeconds - kept) return;
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

  const consume: EventBus["consume"] = async (name, { startAt, onBatch }) => {
    const topic = topicOf(name);
    const partition = `${topic.epoch}/0`;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, stopping.signal]);
    const reader: Reader = { next: await startAt(partition) };
    const logEnd = endOf(name);
    if (reader.next > logEnd) throw positionBeyondLog(folder, name, reader.next, logEnd);
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
        // What is not flushed may be lost, and whoever had applied it would then stand ahead of the log and pass over what takes its place. Other
        // processes' records are read as they come.
        const flushedEnd = Math.min(Number.POSITIVE_INFINITY, ...[...topic.unflushed].map(({ first }) => first));
        for (const { key, value } of topic.log.getRange({ start: reader.next, limit: batchMax })) {
          if (key >= flushedEnd) break;
          records.push(unpack(key, value));
        }
        if (records.length === 0) {
          await arrival();
          continue;
        }
        await onBatch({ partition, records, end: endOf(name) });
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

  const publish: EventBus["publish"] = async (name, records, { untilApplied: waits = false } = {}) => {
    if (records.length === 0) return;
    const topic = topicOf(name);
    const now = clock.nowSeconds();
    const packed = records.map((record) => pack(record, now));
    const append: Append = { first: Number.POSITIVE_INFINITY };
    topic.unflushed.add(append);
    try {
      await topic.log.transaction(() => {
        dropOld(name, topic, packed.length, now);
        append.first = takeOffsets(name, packed.length);
        packed.forEach((record, i) => void topic.log.put(append.first + i, record));
      });
      await topic.log.flushed;
    } finally {
      topic.unflushed.delete(append);
      appended.emit(name);
    }
    if (waits) await untilApplied(name, topic, append.first + packed.length);
  };

  return {
    publish,
    publishToAll: (name, recordFor, options) => publish(name, [recordFor([`${topicOf(name).epoch}/0`])], options),
    consume,
    ends: async (name) => new Map([[`${topicOf(name).epoch}/0`, endOf(name)]]),
    close: async () => {
      stopping.abort();
      // One turn for consumers to leave their reads before the file is unmapped.
      await delay(lookEveryMs * 2);
      await root.close();
    },
  };
}
