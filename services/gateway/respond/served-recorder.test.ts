import { describe, expect, it } from "vitest";
import { type BusRecord, topics } from "#libs/bus/bus.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createMetrics } from "#libs/telemetry/metrics.ts";
import { Grade } from "#protos/recommender.ts";
import { Served } from "#protos/served.ts";
import { columnOf, dataEnd, historyOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { respond, type ServedResult } from "./respond.ts";
import { createServedRecorder, type ServedRecorder, type ServedRecorderOptions } from "./served-recorder.ts";

const id = "00000000-0000-4000-8000-00000000aaaa";
const lateId = "ffffffff-0000-4000-8000-0000ffffffff";

interface Recording {
  readonly recorder: ServedRecorder;
  readonly published: readonly BusRecord[][];
  counted(outcome: string): Promise<number>;
}

function recording(overrides: Partial<ServedRecorderOptions> = {}): Recording {
  const published: BusRecord[][] = [];
  const metrics = createMetrics();
  const recorder = createServedRecorder({
    bus: {
      publish: async (topic, records) => {
        expect(topic).toBe(topics.served);
        published.push([...records]);
      },
    },
    clock: { nowSeconds: () => 1_700_000_000.5, monotonicMs: () => 0 },
    log: createLogger({ service: "gateway", level: "silent" }),
    metrics,
    servedShare: 1,
    featuresShare: 1,
    ...overrides,
  });
  const counted = async (outcome: string): Promise<number> => {
    const line = (await metrics.text()).split("\n").find((text) => text.startsWith(`modiste_served_records_total{outcome="${outcome}"}`));
    return Number(line?.split(" ").at(-1) ?? 0);
  };
  return { recorder, published, counted };
}

const request = {
  release: "r1",
  nowSeconds: dataEnd,
  itemIds: ["b0", "a0", "a1"],
  events: { itemIds: ["a0", "a1"], types: [3, 3] as never[], timesSeconds: [dataEnd - 200, dataEnd - 100], values: [1, 1] },
  user: { known: true, attributes: { age: "31" } },
  sources: [],
  featureRows: 2,
  contributionRows: 0,
};

const liveItem = { keys: [1_185_688], counts: [1], firstSaleSeconds: dataEnd, lastSaleSeconds: dataEnd, lastPrice: 9 };
const live = {
  today: 18_527,
  segmentTotals: [1, 1],
  items: [
    { ...liveItem, position: 2 },
    { ...liveItem, position: 0 },
  ],
};

function resultOf(overrides: Partial<ServedResult> = {}): ServedResult {
  return {
    query: queryOf({ history: historyOf(["a0", "purchase", 1]), profileAnswered: true }),
    candidates: tableOf([3, 0, 1], columnOf("itemcf", [1, 2, 3], "bought_together")),
    scores: Float64Array.of(0.5, 0.25, 0.125),
    chosen: Int32Array.of(1, 0),
    sources: [{ source: "itemcf", outcome: "answered", candidates: 3, milliseconds: 1, release: "r1", reason: "" }],
    stages: [],
    removed: [],
    degraded: [],
    ranked: true,
    rankedCount: 3,
    note: { model: "by-hand", request, features: { hash: "h", positions: [2, 0], values: [5, 6, 7, 8], live } },
    lastResort: false,
    ...overrides,
  };
}

const record = ({ recorder }: Recording, result: ServedResult, recommendationId = id): void =>
  recorder.record(result, respond(result, recommendationId, "t"));

describe("the record of an answer", () => {
  it("holds the list in order, and the features of served items with what was asked of the ranker, less the events", async () => {
    const given = recording();
    record(given, resultOf());
    await given.recorder.close();
    const [{ key, value }] = given.published[0] as [BusRecord];
    expect(key).toBe("u1");
    expect(Served.decode(value)).toEqual({
      recommendationId: id,
      subjects: ["u1"],
      kind: "recommend",
      surface: "home",
      timeSeconds: 1_700_000_000.5,
      nowSeconds: dataEnd,
      grade: Grade.GRADE_FULL,
      degraded: [],
      itemIds: ["a0", "b0"],
      scores: [0.25, 0.5],
      releases: { pinned: "r1", itemcf: "r1" },
      model: "by-hand",
      features: {
        request: { ...request, events: undefined, featureRows: 0, contributionRows: 0 },
        // Item a1 was ranked, not served.
        rows: { hash: "h", positions: [0], values: [7, 8], live: { ...live, items: [live.items[1]] } },
        eventCount: 2,
        firstEventSeconds: dataEnd - 200,
        lastEventSeconds: dataEnd - 100,
        sessionEvents: { itemIds: [], types: [], timesSeconds: [], values: [] },
        asOf: false,
        profileAnswered: true,
      },
    });
    expect(await given.counted("written")).toBe(1);
  });

  it("of a degraded answer has no features, says why, and nobody's has its own id as key", async () => {
    const given = recording();
    record(
      given,
      resultOf({ query: queryOf({ subjects: [] }), ranked: false, rankedCount: 0, note: null, degraded: ["ranking:unavailable"] }),
    );
    await given.recorder.close();
    const [{ key, value }] = given.published[0] as [BusRecord];
    expect(key).toBe(id);
    expect(Served.decode(value)).toMatchObject({
      grade: Grade.GRADE_UNRANKED,
      degraded: ["ranking:unavailable"],
      model: "",
      features: undefined,
    });
  });
});

describe("the recorder", () => {
  it("records the share that is set, and asks for features of the share of these that is set", async () => {
    const half = recording({ servedShare: 0.5, featuresShare: 0.5 });
    expect([half.recorder.featureRows(id), half.recorder.featureRows(lateId)]).toEqual([8, 0]);
    record(half, resultOf());
    record(half, resultOf(), lateId);
    await half.recorder.close();
    expect(half.published.flat()).toHaveLength(1);
    expect(recording({ featuresShare: 0 }).recorder.featureRows(id)).toBe(0);
    expect(recording({ servedShare: 0 }).recorder.featureRows(id)).toBe(0);
    expect(recording().recorder.featureRows(lateId)).toBe(8);
  });

  it("drops and counts what does not fit while the bus hangs; who records never waits", async () => {
    let release = (): void => undefined;
    const hanging = new Promise<void>((resolve) => {
      release = resolve;
    });
    const given = recording({ bus: { publish: () => hanging } });
    for (let i = 0; i < 2100; i++) record(given, resultOf());
    expect(await given.counted("overflow")).toBe(100);
    const closed = given.recorder.close();
    release();
    await closed;
    expect(await given.counted("written")).toBe(2000);
  });

  it("counts what the bus refuses as dropped, and goes on with the next", async () => {
    let refusals = 1;
    const given = recording({
      bus: {
        publish: async () => {
          if (refusals-- > 0) throw new Error("disk full");
        },
      },
    });
    for (let i = 0; i < 201; i++) record(given, resultOf());
    await given.recorder.close();
    expect([await given.counted("failed"), await given.counted("written")]).toEqual([200, 1]);
  });
});
