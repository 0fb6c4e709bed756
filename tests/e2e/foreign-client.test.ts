/** gRPC for clients that are not ours: plain grpc-js from the protos, and grpcurl by reflection where it is installed. */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type AnyDefinition, loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { itemIds, type RunningShop, runOneProcess } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop;

beforeAll(async () => {
  shop = await openTestShop();
  running = await runOneProcess(shop);
});

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

const protos = fileURLToPath(new URL("../../protos", import.meta.url));

function isService(definition: AnyDefinition): definition is ServiceDefinition {
  return !("format" in definition);
}

type Message = Record<string, unknown>;

/** A client as any company would write it from our .proto files. */
class PlainClient {
  private readonly service: ServiceDefinition;
  private readonly client: Client;

  constructor(port: number) {
    const loaded = loadSync("modiste/v1/recommender.proto", { includeDirs: [protos], longs: Number, enums: String, defaults: true });
    const found = loaded["modiste.v1.Recommender"]!;
    if (!isService(found)) throw new Error("modiste.v1.Recommender is no service");
    this.service = found;
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  call(name: string, request: Message, deadlineMs = 20_000): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = this.service[name] as MethodDefinition<object, object>;
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: object): void => (error ? reject(error) : resolve(answer as Message));
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        done,
      );
    });
  }

  stream(name: string, requests: readonly Message[]): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = this.service[name] as MethodDefinition<object, object>;
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: object): void => (error ? reject(error) : resolve(answer as Message));
      const call = this.client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {}, done);
      for (const request of requests) call.write(request);
      call.end();
    });
  }

  close(): void {
    this.client.close();
  }
}

describe("a gRPC client made from the protos", () => {
  let client: PlainClient;
  beforeAll(() => {
    client = new PlainClient(running.rpcPort);
  });
  afterAll(() => client.close());

  it("gets the answer that HTTP gives", async () => {
    const now = 1_600_819_200;
    const request = { userId: shop.userIds[1], n: 7, nowSeconds: now };
    const answer = await client.call("Recommend", request);
    const overHttp = await running.post("/v1/recommendations", { user_id: shop.userIds[1], n: 7, now });
    expect((answer.items as Message[]).map(({ itemId }) => itemId)).toEqual(itemIds(overHttp));
    expect(answer.grade).toBe(`GRADE_${overHttp.grade}`);
    expect(answer.releases).toEqual(overHttp.releases);
  });

  it("can call every method of the service", async () => {
    const { items } = (await client.call("Popular", { n: 3 })) as { items: { itemId: string }[] };
    expect(items.length).toBe(3);
    const { itemId } = items[0]!;
    expect(((await client.call("SimilarItems", { itemId, n: 5 })).items as Message[]).length).toBe(5);
    const events = [{ eventId: "plain-1", subject: "plain", itemId, type: "EVENT_TYPE_PURCHASE" }];
    expect(await client.call("RecordEvents", { events })).toMatchObject({ accepted: 1, results: [{ eventId: "plain-1", accepted: true }] });
    expect(await client.call("GetUser", { subject: "plain" })).toMatchObject({
      known: true,
      events: [{ itemId, type: "EVENT_TYPE_PURCHASE" }],
    });
  });

  it("can stream batches of events: refusals are told at the end, a batch that is none ends the stream", async () => {
    const { items } = (await client.call("Popular", { n: 1 })) as { items: { itemId: string }[] };
    const event = (i: number) => ({ eventId: `streamed-${i}`, subject: "streamer", itemId: items[0]!.itemId, type: "EVENT_TYPE_VIEW" });
    const batch = (from: number) => ({ events: Array.from({ length: 10 }, (_, i) => event(from + i)) });
    const bad = { events: [{ ...event(99), itemId: "none" }] };
    expect(await client.stream("StreamEvents", [batch(0), bad, batch(10)])).toMatchObject({
      received: 21,
      accepted: 20,
      refused: [{ eventId: "streamed-99", reason: "unknown_item" }],
    });
    expect(((await client.call("GetUser", { subject: "streamer" })).events as Message[]).length).toBe(20);
    expect(await client.stream("StreamEvents", [])).toMatchObject({ received: 0, accepted: 0, refused: [] });
    await expect(client.stream("StreamEvents", [batch(20), { events: [] }])).rejects.toMatchObject({ code: 3 });
    expect(((await client.call("GetUser", { subject: "streamer" })).events as Message[]).length).toBe(30);
  });

  it("can log a session in and forget a user", async () => {
    expect(await client.call("MergeSession", { sessionId: "plain-s", userId: "plain" })).toEqual({});
    expect((await client.call("EraseUser", { subject: "plain" })).eraseId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await client.call("GetUser", { subject: "plain" })).toMatchObject({ known: false, events: [] });
  });

  it("is refused with gRPC's own codes, naming the field", async () => {
    const refusal = (name: string, request: Message): Promise<ServiceError> =>
      client.call(name, request).then(
        () => Promise.reject(new Error("was answered")),
        (error: ServiceError) => error,
      );
    expect(await refusal("Recommend", { n: 0 })).toMatchObject({ code: 3, details: expect.stringContaining("n:") });
    expect(await refusal("Recommend", { surface: "moon" })).toMatchObject({ code: 3, details: expect.stringContaining("surface") });
    expect(await refusal("SimilarItems", { itemId: "none" })).toMatchObject({ code: 5 });
    expect(await refusal("RecordEvents", { events: [] })).toMatchObject({ code: 3 });
  });
});

/** Where `name` is on PATH; null when it is not. */
function onPath(name: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

const grpcurl = onPath("grpcurl");

// Skipped where grpcurl is not installed: `go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4`.
describe.skipIf(grpcurl === null)("grpcurl, by reflection alone", () => {
  const run = async (...args: string[]): Promise<string> => {
    const at = args.findIndex((arg) => !arg.startsWith("-") && !arg.startsWith("{"));
    args.splice(at, 0, `127.0.0.1:${running.rpcPort}`);
    return (await promisify(execFile)(grpcurl!, ["-plaintext", ...args])).stdout;
  };

  it("lists and describes the service", async () => {
    expect((await run("list")).trim().split("\n")).toContain("modiste.v1.Recommender");
    expect(await run("describe", "modiste.v1.Recommender")).toContain("rpc Recommend ( .modiste.v1.RecommendRequest )");
    expect(await run("describe", "modiste.v1.RecommendRequest")).toContain("string user_id = 1");
  });

  it("gets a recommendation", async () => {
    const answer = JSON.parse(
      await run("-d", JSON.stringify({ user_id: shop.userIds[0], n: 4 }), "modiste.v1.Recommender/Recommend"),
    ) as Message;
    expect((answer.items as Message[]).length).toBe(4);
  });
});
