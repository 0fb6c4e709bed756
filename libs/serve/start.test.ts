import { describe, expect, it } from "vitest";
import { HealthDefinition } from "#libs/rpc/health.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { countDescriptors, listServices } from "#libs/testing/reflection-client.ts";
import { defer } from "#libs/testing/rpc-harness.ts";
import { type SmallFleetOptions, smallFleet } from "#libs/testing/small-fleet.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { type StartedServices, startServices } from "./start.ts";

const quiet = (service: string): ReturnType<typeof createLogger> => createLogger({ service, level: "silent" });
const anyPort = { MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0" };

function start(names: string[], fleet: SmallFleetOptions = {}, env: Record<string, string> = {}): Promise<StartedServices> {
  return startServices(smallFleet(fleet), names, { env: { ...anyPort, ...env }, log: quiet });
}

describe("one process", () => {
  it("runs all services on the local path and shows the gateway alone over gRPC", async () => {
    const started = await start([]);
    expect([...started.ports.keys()]).toEqual(["gateway"]);
    const port = started.ports.get("gateway") ?? 0;
    const answer = await started.connector.connect(RecommenderDefinition, `dns:///127.0.0.1:${port}`).recommend({ userId: "u" });
    expect(answer.items[0]?.score).toBe(7);
    const spans = started.telemetry.recentTraces.get(answer.traceId);
    expect(spans.map((span) => `${span.service} ${span.kind}`)).toEqual([
      "caller client",
      "gateway server",
      "gateway client",
      "ranking server",
    ]);
    expect([...(await listServices(port))].sort()).toEqual(["grpc.health.v1.Health", "modiste.v1.Recommender"]);
    expect(await countDescriptors(port, "modiste.v1.Recommender")).toBeGreaterThan(0);
    expect(await countDescriptors(port, "grpc.health.v1.Health")).toBeGreaterThan(0);
    await started.close();
  });

  it("closes in reverse, after draining, and again without harm", async () => {
    const events: string[] = [];
    const started = await start([], { journal: (event) => events.push(event) });
    await started.close();
    await started.close();
    expect(events).toEqual([
      "ranking started",
      "gateway started",
      "gateway drained",
      "gateway closed",
      "ranking closed",
      "ranking store closed",
    ]);
  });

  it("is ready when all services are, and says who is not", async () => {
    let reason: string | null = "no release";
    const started = await start([], { ready: () => reason });
    const health = started.connector.connect(HealthDefinition, "local:gateway");
    expect(started.ready()).toBe("ranking: no release");
    expect((await health.check({ service: "" })).status).toBe(2);
    reason = null;
    expect(started.ready()).toBeNull();
    await expect.poll(async () => (await health.check({ service: "" })).status).toBe(1);
    await started.close();
  });
});

describe("a service alone", () => {
  it("listens on its port, with metrics and health over HTTP beside it", async () => {
    const started = await start(["ranking"], {}, { MODISTE_RANKING_ANSWER: "9" });
    const port = started.ports.get("ranking") ?? 0;
    const answer = await started.connector.connect(RankerDefinition, `dns:///127.0.0.1:${port}`).rank({ itemIds: ["a"] });
    expect(answer.scores).toEqual([9]);
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${started.adminPort}${path}`);
    expect(await (await get("/metrics")).text()).toContain('modiste_rpc_server_duration_seconds_count{service="ranking"');
    expect([(await get("/readyz")).status, (await get("/healthz")).status, (await get("/x")).status]).toEqual([200, 200, 404]);
    await started.close();
  });

  it("calls others where configuration says", async () => {
    const ranking = await start(["ranking"]);
    const url = `dns:///127.0.0.1:${ranking.ports.get("ranking")}`;
    const gateway = await start(["gateway"], {}, { MODISTE_RANKING_URL: url });
    const answer = await gateway.connector.connect(RecommenderDefinition, "local:gateway").recommend({});
    expect(answer.items[0]?.score).toBe(7);
    await gateway.close();
    await ranking.close();
  });

  it("lets calls under way finish before it closes", async () => {
    const [begun, finish] = [defer<void>(), defer<void>()];
    const events: string[] = [];
    const journal = (event: string): void => {
      events.push(event);
      if (event === "rank begun") begun.resolve();
    };
    const ranking = await start(["ranking"], { journal, work: () => finish.promise });
    const gateway = await start(["gateway"], {}, { MODISTE_RANKING_URL: `dns:///127.0.0.1:${ranking.ports.get("ranking")}` });
    const answer = gateway.connector.connect(RecommenderDefinition, "local:gateway").recommend({});
    await begun.promise;
    const closing = ranking.close();
    finish.resolve();
    expect((await answer).items).toHaveLength(1);
    await closing;
    expect(events.slice(-3)).toEqual(["rank done", "ranking closed", "ranking store closed"]);
    await gateway.close();
  });
});

describe("a start that fails", () => {
  it("lists all problems of the configuration", async () => {
    const env = { MODISTE_RANKING_ANSWER: "-1", MODISTE_TRACE_SAMPLE_RATIO: "2", MODISTE_HOMES: "x", MODISTE_RANKING_URL: "nowhere" };
    await expect(start([], {}, env)).rejects.toMatchObject({ reason: "config_invalid", problems: { length: 4 } });
  });

  it("refuses to listen beyond loopback without keys", async () => {
    await expect(start(["ranking"], {}, { MODISTE_RPC_HOST: "0.0.0.0" })).rejects.toThrow(/MODISTE_RANKING_RPC_HOST.*beyond loopback/);
  });

  it("names the port that is in use, and closes what it opened", async () => {
    const first = await start(["ranking"]);
    const port = String(first.ports.get("ranking"));
    const events: string[] = [];
    const second = start(["ranking"], { journal: (event) => events.push(event) }, { MODISTE_RANKING_RPC_PORT: port });
    await expect(second).rejects.toMatchObject({ reason: "address_in_use", message: expect.stringContaining(port) });
    expect(events).toEqual(["ranking started", "ranking closed", "ranking store closed"]);
    await first.close();
  });
});
