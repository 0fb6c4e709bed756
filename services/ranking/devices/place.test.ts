import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createMetrics, type Metrics } from "#libs/telemetry/metrics.ts";
import { command, networkAt, rowsOf, standIn } from "./device.fixture.ts";
import { createPlacement } from "./place.ts";
import type { DeviceName, DeviceSettings } from "./settings.ts";
import { deviceMetrics, watchDevice } from "./watch.ts";

let folder: string;
let file: string;
let lines: Record<string, unknown>[];
let metrics: Metrics;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-place-"));
  file = join(folder, "network.onnx");
  lines = [];
  metrics = createMetrics();
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const settings: DeviceSettings = { device: "cpu", deviceLimitMs: 10_000, batchWaitMs: 0, batchRows: 4096 };

function placement(device: DeviceName, module?: URL) {
  const own = deviceMetrics(metrics);
  const log = createLogger({ service: "ranking", level: "info", destination: { write: (line) => lines.push(JSON.parse(line)) } });
  return createPlacement({
    settings: { ...settings, device },
    clock: systemClock,
    watch: (name, network) => watchDevice(own, log, name, network),
    ...(module ? { module } : {}),
  });
}

const counted = async (name: string): Promise<string[]> =>
  (await metrics.text()).split("\n").filter((line) => line.startsWith(`modiste_ranking_device_${name}{`));

/** Scores of 16 requests at once, and of each by itself on the CPU. */
async function scores(device: DeviceName, module?: URL): Promise<[number[][], number[][]]> {
  const cpu = (await networkAt(file)).cpu;
  const session = await placement(device, module)(await networkAt(file));
  const requests = Array.from({ length: 16 }, (_, request) => rowsOf((request % 5) + 1, request));
  const found = await Promise.all(requests.map(async (feeds) => [...(await session.run(feeds)).scores!]));
  const expected: number[][] = [];
  for (const feeds of requests) expected.push([...(await cpu.run(feeds)).scores!]);
  await session.close();
  await cpu.close();
  return [found, expected];
}

describe("the placement of a network", () => {
  it("is the session of the CPU itself where nothing else is asked for", async () => {
    const network = await networkAt(file);
    expect(await placement("cpu")(network)).toBe(network.cpu);
    await network.cpu.close();
  });

  it("joins what comes together into one run of the device, and counts it", async () => {
    const [found, expected] = await scores("cuda", standIn);
    expect(found).toEqual(expected);
    expect(await counted("starts_total")).toEqual(['modiste_ranking_device_starts_total{device="cuda",outcome="ready"} 1']);
    expect(await counted("answers_total")).toContain('modiste_ranking_device_answers_total{device="cuda",by="device"} 1');
    expect(await counted("processes")).toEqual(['modiste_ranking_device_processes{device="cuda"} 0']);
    expect(await counted("ends_total")).toEqual([]);
  });

  it.each(["wrong", "missing"] as const)("is the CPU where the device is %s, and says so", async (word) => {
    await command(file, word);
    const [found, expected] = await scores("cuda", standIn);
    expect(found).toEqual(expected);
    const [line] = lines as [{ level: string; msg: string }];
    expect(line.level).toBe("error");
    expect(line.msg).toMatch(/^MODISTE_RANKING_DEVICE asks for cuda for release r1, part ranking: .*; the CPU serves/);
    // No library that could be installed helps a device that computes something else.
    expect(line.msg).toMatch(word === "wrong" ? /the CPU serves$/ : /the CPU serves; cuda needs an NVIDIA card/);
    expect(line.msg).toMatch(word === "wrong" ? /differs from the CPU: scores of golden row/ : /the stand-in's library is not installed/);
    expect(await counted("starts_total")).toEqual(['modiste_ranking_device_starts_total{device="cuda",outcome="refused"} 1']);
  });

  it("survives a crash of the device under load without a failed request", async () => {
    const network = await networkAt(file);
    const session = await placement("cuda", standIn)(network);
    await command(file, "crash");
    const request = rowsOf(3, 2);
    const all = await Promise.all(Array.from({ length: 200 }, async () => [...(await session.run(request)).scores!]));
    const expected = [...(await network.cpu.run(request)).scores!];
    for (const each of all) expect(each).toEqual(expected);
    expect(await counted("ends_total")).toEqual(['modiste_ranking_device_ends_total{device="cuda"} 1']);
    await session.close();
  });

  it("says what a real device lacks, in a process of its own", async () => {
    const [found, expected] = await scores("webgpu");
    expect(found).toEqual(expected);
    expect(lines).toHaveLength(1);
    expect(lines[0]!.msg).toMatch(/webgpu answers for|Vulkan driver/);
  });

  it("is the CPU where the part has no weights for tfjs", async () => {
    const network = await networkAt(file);
    const weights = (): never => {
      throw new ModisteError("data_loss", "tensor_missing", "release r1, part ranking: no network.out.bias");
    };
    expect(await placement("tfjs-cpu")({ ...network, weights })).toBe(network.cpu);
    expect(lines).toMatchObject([{ reason: "tensor_missing", msg: expect.stringContaining("npm run tfjs:install") }]);
    await network.cpu.close();
  });
});
