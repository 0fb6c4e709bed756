import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEvent, encodeEvent, historyFromProto, historyToProto } from "./codec.ts";
import { type Event, eventTypes } from "./event.ts";
import { idProblem } from "./limits.ts";
import { eventProblem } from "./validate.ts";

const event: Event = {
  eventId: "e1",
  subject: "u1",
  itemId: "i1",
  type: "purchase",
  timeSeconds: 1_600_000_000,
  value: 9.5,
  quantity: 1,
  surface: "home",
  recommendationId: "",
  position: 0,
};
const rules = { nowSeconds: 1_600_000_000, knowsItem: (id: string) => id === "i1" };

describe("an event is refused with a reason and the field", () => {
  it.each([
    ["no_subject", { subject: "" }, "subject is empty"],
    ["no_subject", { subject: "session:" }, "subject names a session without an id"],
    ["bad_subject", { subject: "x".repeat(257) }, "subject is longer than 256 bytes"],
    ["bad_subject", { subject: "a\u0000b" }, "subject has a control character at position 1"],
    ["bad_event_id", { eventId: "\ud800" }, "event_id is not well-formed Unicode"],
    ["no_item", { itemId: "" }, "item_id is empty"],
    ["unknown_type", { type: null }, "type is not one of view, cart, purchase, like, dislike, remove"],
    ["bad_value", { value: -1 }, "value must be a number of 0 or more"],
    ["time_ahead", { timeSeconds: 1_600_000_000 + 86_401 }, "time is more than a day ahead"],
    ["time_behind", { timeSeconds: 1_600_000_000 - 401 * 86_400 }, "time is more than 400 days back"],
    ["unknown_item", { itemId: "i2" }, "item_id is not in the catalogue"],
  ] as const)("%s", (reason, change, message) => {
    expect(eventProblem({ ...event, ...change }, rules)).toEqual({ reason, message });
  });
  it("and an event at the edges of time is accepted", () => {
    expect(eventProblem(event, rules)).toBeNull();
    expect(eventProblem({ ...event, timeSeconds: rules.nowSeconds + 86_400 }, rules)).toBeNull();
    expect(eventProblem({ ...event, timeSeconds: rules.nowSeconds - 400 * 86_400 }, rules)).toBeNull();
  });
});

it("ids are counted in bytes, not in letters", () => {
  expect(idProblem("é".repeat(128))).toBeNull();
  expect(idProblem("é".repeat(129))).toBe("is longer than 256 bytes");
});

it("events survive their codec", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 20 });
  const whole = fc.nat(2 ** 31);
  const events: fc.Arbitrary<Event> = fc.record({
    eventId: text,
    subject: text,
    itemId: text,
    type: fc.constantFrom(...eventTypes.slice(1)) as fc.Arbitrary<Event["type"]>,
    timeSeconds: whole,
    value: fc.double({ min: 0, max: 1e9, noNaN: true }),
    quantity: whole,
    surface: text,
    recommendationId: text,
    position: whole,
  });
  fc.assert(
    fc.property(events, (original) => {
      expect(decodeEvent(encodeEvent(original))).toEqual(original);
    }),
  );
});

it("a history of unequal columns is cut to the shortest", () => {
  const message = { ...historyToProto({ itemIds: ["a", "b"], types: [3, 3], timesSeconds: [1, 2], values: [] }), types: [3 as const] };
  expect(historyFromProto(message)).toEqual({ itemIds: ["a"], types: [3], timesSeconds: [1], values: [0] });
});
