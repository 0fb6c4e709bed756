import { createLogger } from "#libs/telemetry/log.ts";
import { startTelemetry } from "#libs/telemetry/telemetry.ts";
import { openGrpcHarness, openLocalHarness } from "#libs/testing/rpc-harness.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { createConnector } from "./connect.ts";
import { bind } from "./definition.ts";
import { createLocalRouter } from "./local.ts";

const ids = Array.from({ length: 500 }, (_, i) => `0${100000000 + i}`);
const scores = ids.map((_, i) => i / 7);
const ranks = ids.map((_, i) => i + 1);
const big = { itemIds: ids, sources: [0, 1, 2, 3].map((s) => ({ source: `s${s}`, scores, ranks, pinned: true })) };
const binding = bind(RankerDefinition, { rank: async (r) => ({ scores: r.itemIds.length ? scores : [1] }) });
async function measure(name: string, call: () => Promise<unknown>, n: number, width: number) {
  for (let i = 0; i < n / 4; i++) await call();
  const times: number[] = [];
  for (let i = 0; i < n; i++) {
    const t = performance.now();
    await call();
    times.push(performance.now() - t);
  }
  times.sort((a, b) => a - b);
  const t0 = performance.now();
  let left = n;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await call();
    }),
  );
  const s = (performance.now() - t0) / 1000;
  console.log(
    name.padEnd(44),
    `p50 ${(times[n >> 1]! * 1000).toFixed(1)} us  p99 ${(times[Math.floor(n * 0.99)]! * 1000).toFixed(1)} us  ${(n / s).toFixed(0)}/s x${width}`,
  );
}
const harness = await openLocalHarness();
const client = (await harness.serve([binding])).connect(RankerDefinition);
await measure("local, empty, sampled, retrying", () => client.rank({}), 20000, 16);
await measure("local, 500 items x 4 sources", () => client.rank(big), 5000, 16);
for (const ratio of [0]) {
  const t = await startTelemetry({ version: "0", recentTraces: 100, sampleRatio: ratio });
  const router = createLocalRouter();
  router.add("r", [binding], { name: "r", telemetry: t.service("r"), log: createLogger({ service: "r", level: "silent" }) });
  const c = createConnector({ telemetry: t.service("c"), router }).connect(RankerDefinition, "local:r");
  await measure("local, empty, not sampled", () => c.rank({}), 20000, 16);
  await measure("local, big, not sampled", () => c.rank(big), 5000, 16);
}
const grpc = await openGrpcHarness(async () => []);
const g = (await grpc.serve([binding])).connect(RankerDefinition);
await measure("gRPC loopback, empty (one process)", () => g.rank({}), 3000, 16);
await measure("gRPC loopback, 500 x 4", () => g.rank(big), 1500, 16);
await grpc.close();
process.exit(0);
