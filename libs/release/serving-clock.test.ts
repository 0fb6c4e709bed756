import { describe, expect, it } from "vitest";
import { secondsPerDay } from "#libs/core/clock.ts";
import type { ReleaseManifest } from "./manifest.ts";
import { servingNow } from "./serving-clock.ts";

const made = 1_700_000_000;
const manifest = (daysBehind: number): ReleaseManifest =>
  ({ created_seconds: made, data: { end_seconds: made - daysBehind * secondsPerDay } }) as ReleaseManifest;

describe("the instant that a release answers for", () => {
  it("is now for a running shop", () => {
    expect(servingNow(manifest(1), made + 50, "auto")).toBe(made + 50);
    expect(servingNow(manifest(30), made + 50, "auto")).toBe(made + 50);
  });

  it("starts at the end of historic data and runs on from there", () => {
    const end = made - 1000 * secondsPerDay;
    expect(servingNow(manifest(1000), made, "auto")).toBe(end);
    expect(servingNow(manifest(1000), made + 3600, "auto")).toBe(end + 3600);
  });

  it("is always now when that is asked for", () => {
    expect(servingNow(manifest(1000), made + 3600, "wall")).toBe(made + 3600);
  });
});
