import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { insertPins, placePins } from "./pins.ts";

const pin = (item: number, position: number, rule = "r") => ({ item, position, rule });
const items = Int32Array.of(10, 11, 12, 13, 14);
const placesOf = (pins: Parameters<typeof placePins>[0], limit = 5): [number, number][] =>
  placePins(pins, items, limit).map(({ item, place }) => [item, place + 1]);

describe("the place of a pin", () => {
  it("is the one wanted, or the next free one when an earlier pin of the file has it", () => {
    expect(placesOf([pin(10, 2), pin(11, 2), pin(12, 3)])).toEqual([
      [10, 2],
      [11, 3],
      [12, 4],
    ]);
  });
  it("is the first one given to an item", () => {
    expect(placesOf([pin(10, 4), pin(10, 1)])).toEqual([[10, 4]]);
  });
  it("is none for an item that is no candidate, or past the end of the list", () => {
    expect(placesOf([pin(99, 1), pin(10, 6), pin(11, 5), pin(12, 5)])).toEqual([[11, 5]]);
  });
});

describe("a list with pins", () => {
  it("moves down what stood at their places", () => {
    const placed = placePins([pin(14, 1), pin(13, 3)], items, 5);
    expect(Array.from(insertPins(Int32Array.of(0, 1, 2), placed))).toEqual([4, 0, 3, 1, 2]);
  });
  it("that is too short has them at its end, in the order of their places", () => {
    const placed = placePins([pin(14, 5), pin(13, 3)], items, 5);
    expect(Array.from(insertPins(Int32Array.of(0), placed))).toEqual([0, 3, 4]);
  });

  const pins = fc.array(fc.tuple(fc.integer({ min: 8, max: 16 }), fc.integer({ min: 1, max: 8 })), { maxLength: 8 });
  it("loses nothing, doubles nothing, keeps the others' order, and has every pin where it was placed or at the end", () => {
    fc.assert(
      fc.property(pins, fc.integer({ min: 1, max: 8 }), fc.nat(5), (given, limit, length) => {
        const placed = placePins(
          given.map(([item, position]) => pin(item, position)),
          items,
          limit,
        );
        const pinned = new Set(placed.map(({ candidate }) => candidate));
        const others = [0, 1, 2, 3, 4].filter((position) => !pinned.has(position)).slice(0, Math.min(length, limit - placed.length));
        const list = [...insertPins(Int32Array.from(others), placed)];
        expect(list.length).toBe(others.length + placed.length);
        expect(new Set(list).size).toBe(list.length);
        expect(list.filter((position) => !pinned.has(position))).toEqual(others);
        expect(new Set(placed.map(({ place }) => place)).size).toBe(placed.length);
        for (const { candidate, place, position } of placed) {
          expect(place).toBeGreaterThanOrEqual(position - 1);
          expect(place).toBeLessThan(limit);
          expect(list.indexOf(candidate)).toBeLessThanOrEqual(place);
          if (list.length === limit) expect(list[place]).toBe(candidate);
        }
      }),
    );
  });
});
