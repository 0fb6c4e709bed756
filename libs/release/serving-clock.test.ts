import { describe, expect, it } from "vitest";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { ReleaseManifest } from "./manifest.ts";
import { clockBehind, servingNow } from "./serving-clock.ts";

const made = 1_700_000_000;
const longAgo = made - 1000 * secondsPerDay;

function release(endSeconds: number, createdSeconds: number, parent: ReleaseManifest | null = null): ReleaseManifest {
  return { data: { end_seconds: endSeconds }, clock_behind_seconds: clockBehind(endSeconds, createdSeconds, parent) } as ReleaseManifest;
}

describe("the instant that a release answers for", () => {
  it("is now for a running shop", () => {
    expect(servingNow(release(made - secondsPerDay, made), made + 50, "auto")).toBe(made + 50);
    expect(servingNow(release(made - 30 * secondsPerDay, made), made + 50, "auto")).toBe(made + 50);
  });

  it("starts at the end of historic data and runs on from there", () => {
    expect(servingNow(release(longAgo, made), made, "auto")).toBe(longAgo);
    expect(servingNow(release(longAgo, made), made + 3600, "auto")).toBe(longAgo + 3600);
  });

  it("runs on through a retrain on the same data, so that events posted before it do not lie in the future", () => {
    const first = release(longAgo, made);
    const second = release(longAgo, made + 7200, first);
    expect(servingNow(second, made + 7300, "auto")).toBe(servingNow(first, made + 7300, "auto"));
  });

  it("starts anew for data with another end", () => {
    const first = release(longAgo, made);
    expect(servingNow(release(longAgo + secondsPerDay, made + 7200, first), made + 7200, "auto")).toBe(longAgo + secondsPerDay);
  });

  it("is always now when that is asked for", () => {
    expect(servingNow(release(longAgo, made), made + 3600, "wall")).toBe(made + 3600);
  });
});
