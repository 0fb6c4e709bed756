import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventFromJson, type JsonEvent } from "#libs/events/json.ts";
import { GetUserResponse, Grade, RecommendResponse, UserKnowledge } from "#protos/recommender.ts";
import { Event, EventType } from "#protos/types.ts";
import { filterFromJson, toJson } from "./json.ts";

const names = (value: unknown): string[] => Object.keys(value as object).sort();

const filled = RecommendResponse.fromPartial({
  recommendationId: "r",
  items: [
    {
      itemId: "i",
      score: 1.5,
      reasons: [{ kind: "k", source: "s", becauseItemId: "b", text: "t", rule: "p" }],
      name: "n",
      category: "c",
      price: 2,
      attributes: { garmentKind: "Upper body" },
      contributions: [{ group: "own_purchases", value: 0.5 }],
    },
  ],
  grade: Grade.GRADE_PARTIAL,
  coverage: {
    user: UserKnowledge.USER_KNOWLEDGE_SESSION,
    events: 3,
    asked: 4,
    answered: 3,
    late: 1,
    failed: 0,
    sources: [{ source: "itemcf", outcome: "late", candidates: 0, milliseconds: 9.5, release: "" }],
    stages: [{ stage: "rank", milliseconds: 1, candidates: 7 }],
    removed: [{ filter: "seen", removed: 2 }],
    degraded: ["itemcf:deadline_exceeded"],
    rules: ["p"],
    candidatesFound: 9,
    candidatesRanked: 7,
  },
  releases: { pinned: "r1", itemCF: "r1" },
  traceId: "t",
});

describe("answers as JSON", () => {
  it("have every field of the contract under its name in the proto", () => {
    expect(toJson(filled)).toEqual({
      recommendation_id: "r",
      items: [
        {
          item_id: "i",
          score: 1.5,
          reasons: [{ kind: "k", source: "s", because_item_id: "b", text: "t", rule: "p" }],
          name: "n",
          category: "c",
          price: 2,
          attributes: { garmentKind: "Upper body" },
          contributions: [{ group: "own_purchases", value: 0.5 }],
        },
      ],
      grade: "PARTIAL",
      coverage: {
        user: "SESSION",
        events: 3,
        asked: 4,
        answered: 3,
        late: 1,
        failed: 0,
        sources: [{ source: "itemcf", outcome: "late", candidates: 0, milliseconds: 9.5, release: "" }],
        stages: [{ stage: "rank", milliseconds: 1, candidates: 7 }],
        removed: [{ filter: "seen", removed: 2 }],
        degraded: ["itemcf:deadline_exceeded"],
        rules: ["p"],
        candidates_found: 9,
        candidates_ranked: 7,
      },
      releases: { pinned: "r1", itemCF: "r1" },
      trace_id: "t",
    });
  });

  it("have the empty fields too", () => {
    expect(names(toJson(RecommendResponse.fromPartial({})))).toEqual([
      "coverage",
      "grade",
      "items",
      "recommendation_id",
      "releases",
      "trace_id",
    ]);
    expect(toJson(GetUserResponse.fromPartial({ subject: "u" }))).toEqual({ subject: "u", known: false, attributes: {}, events: [] });
  });

  it("leave names and values of attributes alone, whatever they are called", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (attributes) => {
        const { items } = toJson({ items: [{ attributes }] }) as { items: { attributes: object }[] };
        expect(items[0]?.attributes).toEqual(attributes);
      }),
    );
  });
});

const words = { view: 1, cart: 2, purchase: 3, like: 4, dislike: 5, remove: 6 } as const;
const count = fc.nat(2 ** 32 - 1);

describe("events from JSON", () => {
  it("round trip through JSON, the contract and back", () => {
    const event = fc.record({
      event_id: fc.string(),
      subject: fc.string(),
      item_id: fc.string(),
      type: fc.constantFrom(...(Object.keys(words) as (keyof typeof words)[])),
      time: fc.integer({ min: 1, max: 4e9 }),
      value: fc.double({ min: 0, max: 1e6, noNaN: true }),
      quantity: count,
      surface: fc.string(),
      recommendation_id: fc.string(),
      position: count,
    });
    fc.assert(
      fc.property(event, (json) => {
        const sent = JSON.parse(JSON.stringify(json)) as JsonEvent;
        const { time_seconds, ...rest } = toJson(Event.decode(Event.encode(eventFromJson(sent)).finish()));
        expect({ ...rest, time: time_seconds }).toEqual({ ...sent, value: sent.value === 0 ? 0 : sent.value });
      }),
    );
  });

  it("take the subject from whichever field names it", () => {
    expect(eventFromJson({ subject: "s" }).subject).toBe("s");
    expect(eventFromJson({ user_id: "u" }).subject).toBe("u");
    expect(eventFromJson({ session_id: "x" }).subject).toBe("session:x");
    expect(eventFromJson({ user_id: "u", session_id: "x" }).subject).toBe("u");
    expect(eventFromJson({}).subject).toBe("");
  });

  it("make an unknown type unspecified, which is refused behind", () => {
    for (const type of ["stare", "constructor", "", "VIEW"]) expect(eventFromJson({ type }).type).toBe(EventType.EVENT_TYPE_UNSPECIFIED);
    expect(eventFromJson({ type: "unspecified" }).type).toBe(EventType.EVENT_TYPE_UNSPECIFIED);
  });

  it("always fit the wire, whatever the time", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (time) => {
        expect(Number.isSafeInteger(eventFromJson({ time }).timeSeconds)).toBe(true);
      }),
    );
  });
});

describe("filters from JSON", () => {
  it("keep every condition", () => {
    expect(filterFromJson({ categories: ["Dress"], attributes: { colour: ["Black", "White"] }, price_min: 1, price_max: 9 })).toEqual({
      categories: ["Dress"],
      attributes: [{ attribute: "colour", values: ["Black", "White"] }],
      priceMin: 1,
      priceMax: 9,
    });
    expect(filterFromJson()).toEqual({ categories: [], attributes: [], priceMin: 0, priceMax: 0 });
  });
});
