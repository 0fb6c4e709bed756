import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fillMask, packEpoch } from "#libs/models/sasrec/packing.ts";

const histories = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 });

function offsetsOf(counts: readonly number[]): Int32Array {
  const offsets = new Int32Array(counts.length + 1);
  counts.forEach((count, user) => {
    offsets[user + 1] = offsets[user]! + count;
  });
  return offsets;
}

describe("packed rows", () => {
  it("have every pair of an event and its successor once, and once more only where a long history's end repeats", () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 12 }), fc.nat(), (counts, length, epoch) => {
        const offsets = offsetsOf(counts);
        const { places } = packEpoch({ offsets }, length, 1, epoch);
        const seen = new Map<number, number>();
        for (const place of places) if (place >= 0) seen.set(place, (seen.get(place) ?? 0) + 1);
        counts.forEach((count, user) => {
          for (let n = 0; n < count - 1; n++) {
            const times = seen.get(offsets[user]! + n) ?? 0;
            expect(times).toBeGreaterThanOrEqual(1);
            expect(times).toBeLessThanOrEqual(count - 1 > length && n >= count - 1 - length ? 2 : 1);
          }
          // The last event is a target only.
          if (count > 0) expect(seen.has(offsets[user + 1]! - 1)).toBe(false);
        });
      }),
    );
  });

  it("hold windows side by side: consecutive places, positions that end with the last, one start for all", () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 2, max: 12 }), (counts, length) => {
        const { rows, places, positions, starts } = packEpoch({ offsets: offsetsOf(counts) }, length, 7, 0);
        for (let at = 0; at < rows * length; at++) {
          const column = at % length;
          if (places[at]! < 0) {
            expect([positions[at], starts[at]]).toEqual([-1, column]);
            continue;
          }
          const last = column === length - 1 || places[at + 1]! < 0 || starts[at + 1] !== starts[at];
          if (last) expect(positions[at]).toBe(length - 1);
          else expect([places[at + 1], positions[at + 1]]).toEqual([places[at]! + 1, positions[at]! + 1]);
          expect(starts[at]!).toBeLessThanOrEqual(column);
        }
      }),
    );
  });

  it("are the same for the same seed and epoch, and others for another epoch", () => {
    const offsets = offsetsOf(Array.from({ length: 20 }, (_, user) => 5 + (user % 30)));
    expect(packEpoch({ offsets }, 8, 3, 2)).toEqual(packEpoch({ offsets }, 8, 3, 2));
    expect(packEpoch({ offsets }, 8, 3, 2).places).not.toEqual(packEpoch({ offsets }, 8, 3, 3).places);
  });

  it("waste little: short histories share rows", () => {
    const offsets = offsetsOf(Array.from({ length: 200 }, (_, user) => 2 + (user % 19)));
    const { places } = packEpoch({ offsets }, 20, 1, 0);
    expect(places.filter((place) => place < 0).length / places.length).toBeLessThan(0.03);
  });

  it("a position sees its own window up to itself; rows past the last see only themselves", () => {
    const starts = Int32Array.of(0, 0, 2, 2);
    const mask = new Float32Array(2 * 16);
    fillMask({ starts, length: 4, rows: 1 }, 0, mask);
    const open = Array.from(mask, (value) => (value === 0 ? 1 : 0));
    expect(open.slice(0, 16)).toEqual([1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1]);
    expect(open.slice(16)).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});
