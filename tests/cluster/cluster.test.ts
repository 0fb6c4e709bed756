/**
 * The manifests of `dev` on a real Kubernetes: the fleet comes up, an event changes the next answer, and whatever is restarted, scaled, deleted or
 * released under load, no recommendation fails and no acknowledged event is lost. `npm run test:cluster` (scripts/test-cluster.ts) brings the cluster.
 */

import { appendFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { readEnvironment } from "#libs/config/environment.ts";
import { dev } from "../../charts-cdk8s/environments/dev.ts";
import { fleet, sources } from "../../services/fleet.ts";
import { lostEvents, type SteadyLoad, type SteadyLoadReport, startSteadyLoad } from "../support/steady-load.ts";
import { type ClusterShop, openShop } from "./cluster-shop.ts";
import { isReady, kubectl, namespace, until } from "./kubectl.ts";
import { provideVolumes } from "./volumes.ts";

const environment = readEnvironment();
const manifests = fileURLToPath(new URL("../../k8s/dev", import.meta.url));
const { MODISTE_TEST_CLUSTER: volumesRoot, MODISTE_TEST_CLUSTER_RATE: rate = "100", MODISTE_TEST_CLUSTER_LOG: logFile } = environment;
const inside = namespace(dev.namespace);
const services = fleet.map(({ name }) => name);
/** Long: other work may share the machine, and a restart of all takes minutes. */
const minutes = (count: number): { timeout: number } => ({ timeout: count * 60_000 });

/** Lines of the run's log, for people. */
async function say(line: string): Promise<void> {
  process.stderr.write(`cluster | ${line}\n`);
  if (logFile !== undefined) await appendFile(logFile, `${new Date().toISOString()} ${line}\n`);
}

/** What is there under the namespace's name and was not made from these manifests is somebody's shop. */
async function refuseForeign(): Promise<void> {
  const found = await kubectl(["get", "namespace", inside.name, "--ignore-not-found", "-o", "json"]);
  if (found === "") return;
  const { metadata } = JSON.parse(found) as { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } };
  if (metadata.labels?.["modiste/environment"] === dev.name) return;
  throw new Error(`the cluster has a namespace ${inside.name} that is not of the environment ${dev.name}`);
}

const readyPods = async (service: string): Promise<string[]> =>
  (await inside.pods(service)).filter(isReady).map(({ metadata }) => metadata.name);

describe.skipIf(volumesRoot === undefined)("the dev manifests on a real cluster (npm run test:cluster names one)", () => {
  let shop: ClusterShop;

  beforeAll(async () => {
    await refuseForeign();
    // Parts of telemetry whose images no local engine builds wait for an image, and nothing here needs them.
    const files = (await readdir(manifests)).sort();
    for (const file of files) await kubectl(["apply", "--server-side", "--validate=strict", "-f", join(manifests, file)]);
    await say(`applied ${files.length} files of ${manifests.split("/").slice(-2).join("/")}`);
    await say(`volumes for ${(await provideVolumes(inside.name, volumesRoot!)).join(", ")}`);
    // Pods of before may run an image of before, under the same name.
    for (const service of services) await inside.run(["rollout", "restart", `deployment/${service}`]);
    const started = performance.now();
    for (const service of services) await inside.run(["rollout", "status", `deployment/${service}`, "--timeout=600s"]);
    for (const service of [...services, "redis", "kafka"]) {
      await until(
        () => readyPods(service),
        (ready) => ready.length > 0,
        `a ready pod of ${service}`,
        900,
      );
      await say(`${service} is ready after ${Math.round((performance.now() - started) / 1000)} s`);
    }
    shop = await openShop(inside);
  }, 1_200_000);

  /** Recommendations and events flow while the work is done; answers what became of them, with what is missing of the events. */
  async function underLoad(what: string, work: () => Promise<void>): Promise<SteadyLoadReport & { readonly lost: readonly string[] }> {
    const load: SteadyLoad = startSteadyLoad({ ...shop, rate: Number(rate), eventRate: 10 });
    let report: SteadyLoadReport;
    try {
      await work();
    } finally {
      report = await load.stop();
    }
    const lost = await lostEvents(shop, report.accepted);
    const { seconds, asked, failed, grades, p50, p99, longest, events, refused } = report;
    await say(
      `${what}: ${asked} recommendations in ${seconds.toFixed(0)} s, ${failed.length} failed; ${JSON.stringify(grades)}; ` +
        `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, longest ${longest.toFixed(0)} ms; ${events} events, ${refused.length} refused, ${lost.length} lost`,
    );
    for (const { atSeconds, what: failure } of [...failed, ...refused].slice(0, 20))
      await say(`  at ${atSeconds.toFixed(1)} s: ${failure}`);
    return { ...report, lost };
  }

  /** What every disturbance must leave whole, at the rate that was asked for, and after which answers are FULL again. */
  async function expectWhole({
    asked,
    seconds,
    failed,
    refused,
    lost,
  }: SteadyLoadReport & { readonly lost: readonly string[] }): Promise<void> {
    expect(asked / seconds).toBeGreaterThan(0.9 * Number(rate));
    await until(
      () => shop.ask("/v1/recommendations?user_id=anybody&n=12"),
      ({ grade }) => grade === "FULL",
      "a FULL answer",
      60,
    );
    expect(failed).toEqual([]);
    expect(refused).toEqual([]);
    expect(lost).toEqual([]);
  }

  const restart = async (service: string): Promise<void> => {
    await inside.run(["rollout", "restart", `deployment/${service}`]);
    await inside.run(["rollout", "status", `deployment/${service}`, "--timeout=300s"]);
  };

  it("keeps its namespace to the restricted Pod Security Standard", async () => {
    const privileged = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "privileged" },
      spec: { containers: [{ name: "c", image: "x:1" }] },
    };
    await expect(inside.run(["apply", "--dry-run=server", "-f", "-"], JSON.stringify(privileged))).rejects.toThrow("restricted");
  });

  it("recommends through the gateway's Service", async () => {
    const answer = await shop.ask("/v1/recommendations?user_id=anybody&n=12");
    expect(answer.items).toHaveLength(12);
    expect(await shop.releases()).toHaveLength(1);
  });

  it("lets an event through Kafka into the next answer", async () => {
    const [seen, wanted] = await shop.freshPair();
    await shop.send([{ subject: "cluster-user", item_id: seen, type: "purchase" }]);
    const user = await until(
      () => shop.user("cluster-user"),
      ({ events }) => events.length > 0,
      "the event in the profile",
      60,
    );
    expect(user.events.map(({ item_id }) => item_id)).toEqual([seen]);
    const answer = await until(
      () => shop.ask("/v1/recommendations?user_id=cluster-user&n=12"),
      ({ coverage }) => coverage.user === "KNOWN",
      "an answer that knows the user",
      60,
    );
    expect(answer.items.some(({ item_id }) => item_id === wanted) || answer.coverage.events > 0).toBe(true);
  });

  it("answers whoever asks while nothing happens: the yardstick of what follows", minutes(3), async () => {
    await expectWhole(await underLoad("undisturbed", () => new Promise((resolve) => setTimeout(resolve, 30_000))));
  });

  it.each([1, 2])("restarts every service, one at a time, and drops nothing (round %i)", minutes(30), async (round) => {
    const report = await underLoad(`restart of ${services.length} services, round ${round}`, async () => {
      for (const service of services) await restart(service);
    });
    await expectWhole(report);
  });

  it("does so again while a release is swapped, which reaches every pod without a restart", minutes(30), async () => {
    const second = await shop.trainAnother();
    const report = await underLoad("restarts with a release swap in the middle", async () => {
      for (const service of services.slice(0, 3)) await restart(service);
      await shop.promote(second);
      for (const service of services.slice(3)) await restart(service);
    });
    await expectWhole(report);
    expect(
      await until(
        () => shop.releases(),
        (seen) => seen.length === 1 && seen[0] === second,
        "the second release everywhere",
        60,
      ),
    ).toEqual([second]);
  });

  it("rolls back by the command, also without a restart", minutes(10), async () => {
    const before = await shop.restarts();
    const report = await underLoad("a rollback", async () => {
      const first = await shop.rollback();
      await until(
        () => shop.releases(),
        (seen) => seen.length === 1 && seen[0] === first,
        `${first} everywhere`,
        60,
      );
    });
    await expectWhole(report);
    expect(await shop.restarts()).toEqual(before);
  });

  it("gives new pods of a source their share of its calls within 30 s", minutes(15), async () => {
    const { name } = sources[0]!;
    const report = await underLoad(`${name} from one to three`, async () => {
      const [old] = await readyPods(name);
      await inside.run(["scale", `deployment/${name}`, "--replicas=3"]);
      await until(
        () => readyPods(name),
        (ready) => ready.length === 3,
        `three pods of ${name}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      const before = await shop.calls(name);
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      const after = await shop.calls(name);
      const made = new Map([...after].map(([pod, count]) => [pod, count - (before.get(pod) ?? 0)]));
      const total = [...made.values()].reduce((sum, count) => sum + count, 0);
      const shares = [...made].map(([pod, count]) => ({ pod, share: count / total }));
      await say(
        `shares of calls: ${shares.map(({ pod, share }) => `${pod}${pod === old ? " (old)" : ""} ${(100 * share).toFixed(0)} %`).join(", ")}`,
      );
      for (const { pod, share } of shares) if (pod !== old) expect(share, pod).toBeGreaterThanOrEqual(0.2);
      expect(shares).toHaveLength(3);
    });
    await inside.run(["scale", `deployment/${name}`, "--replicas=1"]);
    await expectWhole(report);
  });

  it.each(services)("loses a pod of %s, deleted at once, and answers on", minutes(10), async (service) => {
    await inside.run(["scale", `deployment/${service}`, `--replicas=${service === "gateway" ? 2 : 1}`]);
    await inside.run(["rollout", "status", `deployment/${service}`, "--timeout=300s"]);
    const report = await underLoad(`${service}: a pod deleted`, async () => {
      const [pod] = await readyPods(service);
      await inside.run(["delete", "pod", pod!, "--wait=true"]);
      await inside.run(["rollout", "status", `deployment/${service}`, "--timeout=300s"]);
    });
    await expectWhole(report);
  });

  it("tells what each pod holds", minutes(5), async () => {
    await inside.run(["scale", "deployment/gateway", "--replicas=1"]);
    await until(
      () => inside.pods(),
      (pods) => pods.every(({ metadata }) => metadata.deletionTimestamp === undefined),
      "the end of the last deletion",
    );
    for (const { pod, memoryMiB, readySeconds } of await shop.pods()) await say(`${pod}: ${memoryMiB} MiB, ready after ${readySeconds} s`);
  });
});
