import { describe, expect, it } from "vitest";
import { checkPlatform, type Platform } from "./platform.ts";

const image = JSON.stringify({ os: ["linux"], cpu: ["x64"], libc: ["glibc"] });
const on = (platform: Partial<Platform>) => (): Platform => ({ os: "linux", cpu: "x64", libc: "glibc", ...platform });

describe("the platform of an image", () => {
  it("is let pass where it is that of the machine", () => {
    expect(() => checkPlatform(image, on({}))).not.toThrow();
  });

  it("is let pass where the tree names none, as sources do", () => {
    expect(() => checkPlatform("{}", on({ os: "darwin", cpu: "arm64" }))).not.toThrow();
  });

  it.each([
    ["another processor", { cpu: "arm64" }, "linux-arm64 with glibc"],
    ["another C library", { libc: "musl" }, "linux-x64 with musl"],
    ["another system", { os: "darwin", cpu: "arm64" }, "darwin-arm64"],
  ])("is refused on %s, naming both", (_, platform, name) => {
    expect(() => checkPlatform(image, on(platform))).toThrow(`binaries for linux-x64 with glibc and runs on ${name}:`);
  });

  it("reads what this machine is", () => {
    const cpu = process.arch === "x64" ? "arm64" : "x64";
    expect(() => checkPlatform(JSON.stringify({ cpu: [cpu] }))).toThrow(`-${cpu} `);
  });
});
