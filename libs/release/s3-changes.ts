/** The changes of the serving release in a bucket, which cannot be appended to: an object each, named by its time. */

import { systemClock } from "#libs/core/clock.ts";
import type { S3Bucket } from "./s3-bucket.ts";
import { parseChange, type ReleaseChange } from "./store.ts";

export interface ChangeLog {
  /** Answers what `remove` takes. */
  add(change: ReleaseChange): Promise<string>;
  /** Takes back a change that was not made. */
  remove(added: string): Promise<void>;
  /** Oldest first. */
  list(): Promise<ReleaseChange[]>;
}

const readsAtOnce = 16;

/** Sorts as time does. */
const stamp = (ms: number): string => new Date(ms).toISOString().replace(/[-:.]/g, "");

/** The instant of a key's stamp, milliseconds since 1970 UTC; 0 where it has none. */
function stampMs(name: string): number {
  const [whole, year, month, day, hour, minute, second, ms] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-/.exec(name) ?? [];
  return whole === undefined ? 0 : Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
}

/** @param folder begins the keys, with its slash. */
export function openChangeLog(bucket: S3Bucket, folder: string): ChangeLog {
  const keys = async (): Promise<string[]> => (await bucket.keys(folder)).sort();
  return {
    add: async (change) => {
      // The clocks of two machines may differ: a change is named behind all others whatever the clock here says.
      const lastMs = stampMs((await keys()).at(-1)?.slice(folder.length) ?? "");
      const key = `${folder}${stamp(Math.max(lastMs + 1, systemClock.nowSeconds() * 1000))}-${change.release}.json`;
      await bucket.write(key, `${JSON.stringify(change)}\n`, null);
      return key;
    },
    remove: (added) => bucket.remove(added),
    list: async () => {
      const names = await keys();
      const changes: ReleaseChange[] = [];
      for (let from = 0; from < names.length; from += readsAtOnce) {
        const read = await Promise.all(names.slice(from, from + readsAtOnce).map((name) => bucket.read(name)));
        changes.push(...read.flatMap((object) => (object === null || object === "same" ? [] : (parseChange(object.text) ?? []))));
      }
      return changes;
    },
  };
}
