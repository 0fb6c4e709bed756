/** What `modiste events send` sends again after a 503 is what it sent before, and what it cannot read or write it names. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Sent, sendEvents } from "../../services/cli/events/send.ts";

let folder: string;
let gateway: Server;
let url: string;
let bodies: string[];

/** Refuses the first try of every body with 503, as one that has stored it and died before it could say so. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "send-"));
  bodies = [];
  gateway = createServer(async (request, response) => {
    bodies.push(await text(request));
    if (bodies.length % 2 === 1) return response.writeHead(503, { "retry-after": "0" }).end("{}");
    const lines = bodies.at(-1)!.split("\n");
    const results = lines.map((line) => ({ accepted: line.startsWith("{"), reason: line.startsWith("{") ? "" : "bad_line", message: "" }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ results }));
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
});
afterEach(async () => {
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
  rmSync(folder, { recursive: true });
});

const send = (file: string, rejects?: string): Promise<Sent> =>
  sendEvents({ file, url, key: undefined, rejects, signal: new AbortController().signal, say: () => undefined });

it("events without an id get one before the first try, which a second try keeps; the rest goes as it is", async () => {
  const file = join(folder, "events.ndjson");
  const named = '{"event_id": "mine", "user_id": "u"}';
  const others = [named, "nonsense", "[1]", "null", '{"event_id":7}'];
  writeFileSync(file, `\ufeff${['{"user_id":"u","value":1.50}', '{"event_id":""}', "{}", ...others].join("\n")}\n`);
  const rejects = join(folder, "rejects.ndjson");
  expect(await send(file, rejects)).toEqual({ sent: 8, accepted: 5, refused: 3 });

  expect(bodies).toHaveLength(2);
  expect(bodies[1]).toBe(bodies[0]);
  const lines = bodies[0]!.split("\n");
  expect(lines.slice(3)).toEqual(others);
  const made = lines.slice(0, 3).map((line) => JSON.parse(line) as { event_id: string });
  expect(made[0]).toEqual({ user_id: "u", value: 1.5, event_id: expect.any(String) });
  for (const { event_id } of made) expect(event_id).toMatch(/^[0-9a-f-]{36}$/);
  expect(new Set(made.map(({ event_id }) => event_id)).size).toBe(3);
  const refused = readFileSync(rejects, "utf8").trim().split("\n");
  expect(refused.map((line) => (JSON.parse(line) as { line: string }).line)).toEqual(["nonsense", "[1]", "null"]);
});

it("a folder, a file that is not there and one that cannot be written are named", async () => {
  await expect(send(folder)).rejects.toMatchObject({
    code: "invalid_argument",
    field: folder,
    detail: `${folder} is a folder; give a file of events`,
  });
  const missing = join(folder, "none.ndjson");
  await expect(send(missing)).rejects.toMatchObject({ code: "not_found", field: missing });
  const rejects = join(folder, "none", "rejects.ndjson");
  await expect(send(missing, rejects)).rejects.toMatchObject({ code: "invalid_argument", reason: "file_unwritable", field: rejects });
  expect(bodies).toEqual([]);
});
