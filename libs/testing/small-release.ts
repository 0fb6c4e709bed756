/** A release of the fixture shop in a folder, for tests of one service: its vocabulary and empty parts by name. */

import { join } from "node:path";
import { writeCatalog } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { type ReleaseManifest, releaseFormat } from "#libs/release/manifest.ts";
import type { PartWriter } from "#libs/release/part.ts";
import type { FixtureShop } from "./fixture.ts";

/** Writes and promotes release `id` inside `home`. Each part holds its release's id as meta; `more` writes others. */
export async function writeSmallRelease(
  home: string,
  id: string,
  shop: FixtureShop,
  parts: readonly string[],
  more: Readonly<Record<string, (part: PartWriter) => Promise<void>>> = {},
): Promise<ReleaseManifest> {
  const { catalog, nowSeconds } = shop;
  const store = openFolderStore(join(home, "releases"));
  const draft = await store.create(id);
  await draft.writePart("vocabulary", async (part) => writeCatalog(part, catalog, nowSeconds));
  for (const name of parts) await draft.writePart(name, async (part) => part.meta({ release: id }));
  for (const [name, write] of Object.entries(more)) await draft.writePart(name, write);
  const manifest = await draft.finish((written) => ({
    format: releaseFormat,
    id,
    parent: null,
    created_seconds: nowSeconds,
    clock_behind_seconds: 0,
    code_version: "test",
    data: { name: "fixture", fingerprint: "0", end_seconds: nowSeconds },
    feature_hash: "0",
    parts: written,
    metrics: {},
    promotion: { decision: "first", reasons: [], watched: {} },
    golden: [
      {
        name: "one",
        user_id: "user-0",
        events: { item_ids: [], types: [], times_seconds: [] },
        attributes: {},
        now_seconds: nowSeconds,
        n: 2,
        items: ["item-3", "item-4"],
      },
    ],
  }));
  await store.promote(id);
  return manifest;
}
