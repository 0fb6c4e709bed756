/** Runs in a plain folder: `<root>/<key>/run.json` with parameters and figures, `lists.bin` with the lists themselves. */

import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import type { Lists } from "#libs/evaluation/lists.ts";

/** Everything that a run's lists depend on: equal keys, equal lists. */
export interface RunKey {
  readonly model: string;
  /** Settings of the parts that the model is made of. */
  readonly settings: unknown;
  /** Fingerprint of the data set, and of the sequences of these cases. */
  readonly data: string;
  readonly digest: string;
  /** Rules of listing, lengths and the like. */
  readonly listing: unknown;
  readonly k: number;
  readonly seed: number;
  /** Of the sources that make lists. */
  readonly code: string;
}

export interface Run {
  readonly key: RunKey;
  readonly lists: Lists;
  readonly fitSeconds: number;
  readonly listSeconds: number;
  /** What fitted parts say of themselves, such as losses by epoch, by part. */
  readonly parts: Readonly<Record<string, unknown>>;
}

export interface RunRecords {
  /** Whether it is there, without reading its lists. */
  has(key: RunKey): Promise<boolean>;
  find(key: RunKey): Promise<Run | null>;
  /** Writes atomically; `figures` are for people and other programs. */
  add(run: Run, figures: Readonly<Record<string, number>>): Promise<void>;
  folderOf(key: RunKey): string;
  /** A figure that is no list, remembered under its key; null when it is not there. */
  findNote(key: unknown): Promise<unknown>;
  addNote(key: unknown, value: unknown): Promise<void>;
}

/** Of the key's fields in a fixed order; 16 hex digits. */
export function keyDigest(key: unknown): string {
  return createHash("sha256").update(stableJson(key)).digest("hex").slice(0, 16);
}

/** JSON with the names of objects sorted, so that equal values are equal texts. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

interface RunDocument extends Omit<Run, "lists"> {
  /** Numbers in lists.bin: a shorter file was cut. */
  readonly listed: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** `fresh`: what is recorded already is not taken, only replaced. */
export function openRunRecords(root: string, fresh = false): RunRecords {
  const folderOf = (key: RunKey): string => join(root, keyDigest(key));
  const noteFile = (key: unknown): string => join(root, "notes", `${keyDigest(key)}.json`);
  return {
    folderOf,
    findNote: async (key) => {
      if (fresh) return null;
      try {
        return (JSON.parse(await readFile(noteFile(key), "utf8")) as { value: unknown }).value;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw new ModisteError("data_loss", "run_damaged", `${noteFile(key)} cannot be read; remove it to run again`, { cause });
      }
    },
    addNote: async (key, value) => {
      await mkdir(join(root, "notes"), { recursive: true });
      const draft = `${noteFile(key)}.${randomBytes(4).toString("hex")}`;
      await writeFile(draft, `${JSON.stringify({ key, value }, null, 2)}\n`);
      await rename(draft, noteFile(key));
    },
    has: async (key) => !fresh && existsSync(join(folderOf(key), "run.json")),
    find: async (key) => {
      if (fresh) return null;
      const folder = folderOf(key);
      let document: RunDocument;
      let lists: Buffer;
      try {
        document = JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as RunDocument;
        lists = await readFile(join(folder, "lists.bin"));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw new ModisteError("data_loss", "run_damaged", `run ${folder} cannot be read; remove the folder to run it again`, { cause });
      }
      if (lists.byteLength !== document.listed * Int32Array.BYTES_PER_ELEMENT) {
        const found = `${lists.byteLength} bytes for ${document.listed} numbers`;
        throw new ModisteError("data_loss", "run_damaged", `run ${folder}: lists.bin has ${found}; remove the folder to run it again`);
      }
      const items = new Int32Array(new Uint8Array(lists).buffer);
      const { fitSeconds, listSeconds, parts } = document;
      return { key, lists: { k: key.k, items }, fitSeconds, listSeconds, parts };
    },
    add: async ({ lists, ...run }, figures) => {
      const folder = folderOf(run.key);
      const draft = `${folder}.${randomBytes(4).toString("hex")}`;
      await mkdir(draft, { recursive: true });
      const bytes = new Uint8Array(lists.items.buffer, lists.items.byteOffset, lists.items.byteLength);
      await writeFile(join(draft, "lists.bin"), bytes, { flush: true });
      const document: RunDocument = { ...run, figures, listed: lists.items.length };
      await writeFile(join(draft, "run.json"), `${JSON.stringify(document, null, 2)}\n`, { flush: true });
      await rm(folder, { recursive: true, force: true });
      await rename(draft, folder);
    },
  };
}
