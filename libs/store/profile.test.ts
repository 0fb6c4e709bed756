import fc from "fast-check";
import { expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import type { Event } from "#libs/events/event.ts";
import { ProfileRecord } from "#protos/profiles.ts";
import { applyChanges, boundEvents, emptyProfile, type HeldEvent } from "./profile.ts";
import { decodeProfile, encodeProfile } from "./profile-codec.ts";

const held: fc.Arbitrary<HeldEvent> = fc.record({
  eventId: fc.uuid(),
  itemId: fc.string({ minLength: 1, maxLength: 8 }),
  type: fc.integer({ min: 1, max: 6 }),
  timeSeconds: fc.nat(1_000_000),
  value: fc.float({ min: 0, max: 1000, noNaN: true }),
});

it("bounded sets do not depend on the order of arrival, and bounding again changes nothing", () => {
  fc.assert(
    fc.property(fc.array(held, { maxLength: 700 }), (events) => {
      const bounded = boundEvents(events);
      expect(boundEvents([...events].reverse())).toEqual(bounded);
      expect(boundEvents(bounded)).toEqual(bounded);
    }),
    { numRuns: 20 },
  );
});

it("a profile survives its codec", () => {
  fc.assert(
    fc.property(
      fc.array(held, { maxLength: 20 }),
      fc.option(fc.record({ id: fc.uuid(), pending: fc.array(fc.uuid()), at: fc.dictionary(fc.uuid(), fc.nat()) })),
      (events, erased) => {
        const profile = { subject: "u", attributes: { age: "31" }, events, nextOffsets: { "e/0": 7 }, erased };
        expect(decodeProfile(encodeProfile(profile))).toEqual(profile);
      },
    ),
  );
});

it("reads an erasure that was written before places were held", () => {
  const erased = { id: "x", pending: ["e/1"] };
  const old = ProfileRecord.encode(ProfileRecord.fromPartial({ format: 1, erased })).finish();
  expect(decodeProfile(old).erased).toEqual({ ...erased, at: {} });
});

it("refuses a record of a newer format and one that is no record", () => {
  const newer = ProfileRecord.encode(ProfileRecord.fromPartial({ format: 2 })).finish();
  expect(() => decodeProfile(newer)).toThrow("a stored profile has format 2, this code reads up to 1");
  expect(() => decodeProfile(Uint8Array.of(255, 255, 255))).toThrow(ModisteError);
});

it("any split of a log into batches, with replays, gives the same profile", () => {
  const event = (i: number, time: number): Event => ({
    eventId: `e${i}`,
    subject: "u",
    itemId: `i${i}`,
    type: "view",
    timeSeconds: time,
    value: 0,
    quantity: 1,
    surface: "",
    recommendationId: "",
    position: 0,
  });
  fc.assert(
    fc.property(
      fc.array(fc.nat(1000), { maxLength: 60 }),
      fc.array(fc.tuple(fc.nat(60), fc.nat(20)), { maxLength: 8 }),
      (times, replays) => {
        const log = times.map((time, offset) => ({ kind: "event" as const, offset, event: event(offset, time), copied: null }));
        const whole = applyChanges(emptyProfile("u"), "e/0", log);
        let parts = emptyProfile("u");
        let reached = 0;
        for (const [from, length] of replays) {
          // A consumer may go back, never ahead of what it has not applied.
          const start = Math.min(from, reached);
          parts = applyChanges(parts, "e/0", log.slice(start, start + length));
          reached = Math.max(reached, Math.min(log.length, start + length));
        }
        parts = applyChanges(parts, "e/0", log.slice(reached));
        expect(encodeProfile(parts)).toEqual(encodeProfile(whole));
      },
    ),
  );
});
