import fc from "fast-check";
import { expect, it } from "vitest";
import { createAnswerLimit } from "./answer-limit.ts";

it("gives as many places as there are, and each again that is given back", () => {
  const limit = createAnswerLimit(3);
  expect([limit.enter(), limit.enter(), limit.enter(), limit.enter()]).toEqual([true, true, true, false]);
  limit.leave(0.1);
  expect([limit.enter(), limit.enter()]).toEqual([true, false]);
});

it("has fewer places after late answers, never none, and all of them again after answers in time", () => {
  const limit = createAnswerLimit(64);
  const answer = (share: number): void => {
    expect(limit.enter()).toBe(true);
    limit.leave(share);
  };
  for (let i = 0; i < 10; i++) answer(0.9);
  expect(limit.places).toBe(22);
  for (let i = 0; i < 100; i++) answer(1.5);
  expect(limit.places).toBe(4);
  for (let i = 0; i < 2100; i++) answer(0.3);
  expect(limit.places).toBe(64);
});

it("is not moved by what a dead part costs", () => {
  const limit = createAnswerLimit(10);
  for (let i = 0; i < 100; i++) {
    limit.enter();
    limit.leave(0.75);
  }
  expect(limit.places).toBe(10);
});

it("never lets more in than there are places, whatever comes and goes", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.tuple(fc.boolean(), fc.double({ min: 0, max: 2, noNaN: true }))),
      (max, steps) => {
        const limit = createAnswerLimit(max);
        let taken = 0;
        for (const [comes, share] of steps) {
          if (comes && limit.enter()) {
            taken++;
            expect(taken).toBeLessThanOrEqual(limit.places);
          } else if (!comes && taken > 0) {
            taken--;
            limit.leave(share);
          }
          expect(limit.places).toBeGreaterThanOrEqual(Math.min(4, max));
          expect(limit.places).toBeLessThanOrEqual(max);
        }
      },
    ),
  );
});
