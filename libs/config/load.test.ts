import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderConfigDocument } from "./document.ts";
import { bytes, choice, flag, integer, list, millis, number, secret, text, url } from "./fields.ts";
import { loadConfig } from "./load.ts";
import { ConfigProblems } from "./problems.ts";
import { defineConfig } from "./schema.ts";

const schema = defineConfig({
  halfLifeMs: millis("HALF_LIFE_MS", "decay of a click", { min: 1, max: 1e9, fallback: 6e7 }),
  cacheBytes: bytes("CACHE_BYTES", "most memory of the cache", { fallback: 1024 }),
  level: choice("LEVEL", "least level", ["debug", "info"], { fallback: "info" }),
  threads: integer("THREADS", "threads at work", { min: 1, max: 64 }),
  share: number("SHARE", "share of traces", { min: 0, max: 1, fallback: 0.5 }),
  fast: flag("FAST", "whether to hurry", { fallback: false }),
  brokers: list("BROKERS", "Kafka", { fallback: [] }),
  key: secret("KEY", "the key", { fallback: undefined }),
  otlp: url("OTLP_URL", "where traces go", { schemes: ["http:"], fallback: undefined }),
  folder: text("FOLDER", "where releases stand", { min: 1, max: 20, fallback: "x" }),
});

function problemsOf(env: Record<string, string>, elsewhere: string[] = []): readonly string[] {
  try {
    loadConfig({ itemcf: schema }, { env, elsewhere });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigProblems);
    return (error as ConfigProblems).problems.map(({ variable, message }) => `${variable}: ${message}`);
  }
}

describe("loadConfig", () => {
  it("reads every kind of value, and takes fallbacks for the rest", () => {
    const env = {
      MODISTE_THREADS: "4",
      MODISTE_CACHE_BYTES: "64MiB",
      MODISTE_LEVEL: "debug",
      MODISTE_FAST: "1",
      MODISTE_BROKERS: "a:1, b:2,",
      MODISTE_SHARE: "1e-2",
      MODISTE_OTLP_URL: "http://127.0.0.1:4318/v1/traces",
      OTHER: "left alone",
    };
    expect(loadConfig({ itemcf: schema }, { env }).values.itemcf).toEqual({
      halfLifeMs: 6e7,
      cacheBytes: 67_108_864,
      level: "debug",
      threads: 4,
      share: 0.01,
      fast: true,
      brokers: ["a:1", "b:2"],
      key: undefined,
      otlp: "http://127.0.0.1:4318/v1/traces",
      folder: "x",
    });
  });

  it("lists everything that is wrong at once, each with what was expected", () => {
    const env = { MODISTE_CACHE_BYTES: "lots", MODISTE_SHARE: "2", MODISTE_FASTT: "1", MODISTE_LEVEL: "loud", MODISTE_OTLP_URL: "ftp://x" };
    expect(problemsOf(env)).toEqual([
      'MODISTE_CACHE_BYTES: "lots" is not bytes, such as 64MiB',
      'MODISTE_LEVEL: "loud" is not one of debug, info',
      "MODISTE_THREADS: missing; expected whole number, 1 to 64",
      'MODISTE_SHARE: "2" is not number, 0 to 1',
      'MODISTE_OTLP_URL: "ftp://x" is not URL with http:',
      "MODISTE_FASTT: unknown variable; did you mean MODISTE_FAST?",
    ]);
  });

  it("names the doc line in its message and is the caller's fault", () => {
    expect(() => loadConfig({ itemcf: schema }, { env: {} })).toThrow(
      /\[invalid_argument\].*1 problem[\s\S]*MODISTE_THREADS[\s\S]*threads at work/,
    );
  });

  it("lets one service differ", () => {
    const env = { MODISTE_THREADS: "4", MODISTE_ITEMCF_THREADS: "8" };
    const { values } = loadConfig({ itemcf: schema, content: schema }, { env });
    expect([values.itemcf.threads, values.content.threads]).toEqual([8, 4]);
  });

  it("passes over what may belong to services elsewhere, but not over slips", () => {
    const env = { MODISTE_THREADS: "1", MODISTE_RANKING_MODEL: "x", MODISTE_LMDB_FOLDER_OF_OTHERS: "y", MODISTE_HALF_LIVE_MS: "5" };
    expect(problemsOf(env, ["ranking"])).toEqual(["MODISTE_HALF_LIVE_MS: unknown variable; did you mean MODISTE_HALF_LIFE_MS?"]);
  });

  it("never shows a secret", () => {
    const { effective } = loadConfig({ itemcf: schema }, { env: { MODISTE_THREADS: "1", MODISTE_KEY: "hunter2" } });
    expect(effective.MODISTE_KEY).toBe("***");
    expect(JSON.stringify(effective)).not.toContain("hunter2");
  });

  it("reads a JSON file beneath the environment, and says what is wrong with it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "modiste-config-"));
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify({ MODISTE_THREADS: 2, MODISTE_BROKERS: ["a", "b"], MODISTE_LEVEL: "debug" }));
    const { values } = loadConfig({ itemcf: schema }, { env: { MODISTE_CONFIG_FILE: file, MODISTE_THREADS: "3" } });
    expect(values.itemcf).toMatchObject({ threads: 3, brokers: ["a", "b"], level: "debug" });
    writeFileSync(file, '{"threads": 1}');
    expect(problemsOf({ MODISTE_CONFIG_FILE: file, MODISTE_THREADS: "3" })[0]).toContain("unknown in");
    writeFileSync(file, "[");
    expect(problemsOf({ MODISTE_CONFIG_FILE: file, MODISTE_THREADS: "3" })[0]).toContain("cannot read");
    await rm(folder, { recursive: true });
  });
});

it("renders a table of all settings without secrets", () => {
  const document = renderConfigDocument({ itemcf: { ...schema, key: secret("KEY", "the key", { fallback: "hunter2" }) } });
  expect(document).toContain("| `MODISTE_THREADS` | threads at work | whole number, 1 to 64 | **required** |");
  expect(document).toContain("| `MODISTE_KEY` | the key | secret text | `***` |");
});
