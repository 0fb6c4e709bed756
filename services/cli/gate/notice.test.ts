import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { createNotice, describeDecision } from "./notice.ts";

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve())));

/** A webhook that answers with `status`; `received` fills with what it was sent. */
async function webhook(status: number, received: unknown[]): Promise<string> {
  const listening = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ type: request.headers["content-type"], body: JSON.parse(Buffer.concat(chunks).toString()) });
      response.writeHead(status).end();
    });
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/hook`;
}

it("posts what Slack reads", async () => {
  const received: unknown[] = [];
  const notice = createNotice(await webhook(200, received));
  expect(await notice("modiste: training starts")).toBeNull();
  expect(received).toEqual([{ type: "application/json", body: { text: "modiste: training starts" } }]);
});

it("says what went wrong without its address, and never throws", async () => {
  expect(await createNotice(await webhook(500, []))("x")).toBe("the webhook answered 500");
  const gone = await createNotice("http://127.0.0.1:1/secret")("x");
  expect(gone).toMatch(/^the webhook could not be reached/);
  expect(gone).not.toContain("secret");
});

it("sends nothing where none is configured, and refuses what is no address", async () => {
  expect(await createNotice(undefined)("x")).toBeNull();
  expect(() => createNotice("file:///etc/passwd")).toThrow("MODISTE_NOTICE_URL");
});

it("tells a refusal with its figure and its reasons", () => {
  const figure = (value: number) => ({ value });
  const manifest = {
    id: "r2",
    data: { name: "shop" },
    promotion: {
      decision: "refused",
      reasons: ["loss of map@12: -0.0100 (-0.0150 to -0.0050)"],
      watched: {
        "map@12": { candidate: figure(0.02), current: figure(0.03), difference: { value: -0.01, low: -0.015, high: -0.005, p: 0.002 } },
      },
    },
  } as unknown as ReleaseManifest;
  expect(describeDecision(manifest, 61)).toBe(
    "modiste: release r2 of shop was REFUSED; map@12 0.0200 against 0.0300, after 61 s: loss of map@12: -0.0100 (-0.0150 to -0.0050)",
  );
});
