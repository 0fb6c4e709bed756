/** The page: files of this folder, and what it needs to start. */

import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import type { GatewayRelease } from "../release.ts";

const files = [
  { route: "/", file: "page/index.html", type: "text/html; charset=utf-8" },
  { route: "/page.css", file: "page/page.css", type: "text/css; charset=utf-8" },
  { route: "/page.js", file: "dist/page.js", type: "text/javascript; charset=utf-8" },
] as const;

/** Categories offered as filters. */
const categoriesMax = 40;

/** The categories with most items that can be bought, most first. */
function topCategories({ catalog }: GatewayRelease): string[] {
  const counts = new Float64Array(catalog.category.values.length);
  for (const code of catalog.category.codes) if (code >= 0) counts[code]!++;
  return [...counts.keys()]
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, categoriesMax)
    .map((code) => catalog.category.values[code]!);
}

export function addPage(app: FastifyInstance, releases: ReleaseFollower<GatewayRelease>): void {
  const folder = new URL(".", import.meta.url);
  const policy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'";
  for (const { route, file, type } of files) {
    app.get(route, async (_request, reply) =>
      reply.type(type).header("content-security-policy", policy).header("x-content-type-options", "nosniff").send(await readFile(new URL(file, folder))),
    );
  }
  app.get("/page/start", async () => {
    const { manifest, artifact } = releases.current();
    return {
      release: manifest.id,
      data: manifest.data.name,
      data_end: manifest.data.end_seconds,
      users: manifest.golden.map(({ user_id, name }) => ({ user_id, name })),
      categories: topCategories(artifact),
    };
  });
}
