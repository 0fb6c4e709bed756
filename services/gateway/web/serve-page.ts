/** The page: files of this folder, and what it needs to start. */

import { readFile } from "node:fs/promises";
import type { FastifyInstance } from "fastify";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { RecommenderDefinition } from "#protos/recommender.ts";
import { callOptions } from "../http/call-options.ts";
import type { GatewayRelease } from "../release.ts";
import { createShopDescriber } from "./describe-shop.ts";
import { sampleUsers } from "./sample-users.ts";

const files = [
  { route: "/", file: "page/index.html", type: "text/html; charset=utf-8" },
  { route: "/page.css", file: "page/page.css", type: "text/css; charset=utf-8" },
  { route: "/page.js", file: "dist/page.js", type: "text/javascript; charset=utf-8" },
  { route: "/favicon.svg", file: "page/favicon.svg", type: "image/svg+xml" },
] as const;

/** Nothing inline, nothing from elsewhere, no frames: a name with markup in it could not run even if the page were wrong. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = { "content-security-policy": policy, "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" };

export function addPage(
  app: FastifyInstance,
  releases: ReleaseFollower<GatewayRelease>,
  client: Client<typeof RecommenderDefinition>,
  hints: Readonly<Record<string, string>>,
): void {
  const describeShop = createShopDescriber();
  const folder = new URL(".", import.meta.url);
  for (const { route, file, type } of files) {
    app.get(route, async (_request, reply) =>
      reply
        .type(type)
        .headers(headers)
        .send(await readFile(new URL(file, folder))),
    );
  }
  app.get("/page/start", async (request, reply) => {
    const { manifest, artifact } = releases.current();
    return { ...describeShop(manifest, artifact), sources: hints, users: await sampleUsers(manifest, client, callOptions(request, reply)) };
  });
}
