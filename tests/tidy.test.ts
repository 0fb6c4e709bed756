/** Reads the source and enforces the house: layers, borders, lengths, banned calls, tests beside what people extend. Exceptions may only shrink. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { describe, expect, it } from "vitest";

const root = new URL("..", import.meta.url).pathname;

/** Imports go down only; inside a layer from right to left. */
const layers: readonly (readonly string[])[] = [
  ["core"],
  ["config", "telemetry", "sparse", "graph"],
  ["events", "catalog", "data"],
  ["features", "models", "evaluation", "pipeline", "rpc", "bus", "store", "release"],
  ["serve", "testing"],
  ["services"],
];

/** Each entry has its reason; an entry that is no longer needed fails the test. */
const exceptions = {
  /** Libraries that may see generated messages beside services: the edge. */
  protoEdge: [
    "libs/catalog/codec.ts",
    "libs/events/codec.ts",
    "libs/events/json.ts",
    "libs/events/log-entry.ts",
    "libs/store/profile-codec.ts",
    "libs/serve/candidate-source.ts",
  ],
  /** The clock, the environment and seeds are read here. */
  ambient: ["libs/core/clock.ts", "libs/config/environment.ts"],
  /** Files that are started by path. */
  startedByPath: ["libs/serve/fixture-main.ts"],
} as const;

function walk(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "gen", "dist", "build", "page", "kernels"].includes(entry.name) ? [] : walk(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

const files = ["charts-cdk8s", "libs", "services", "scripts", "tests"].flatMap(walk);
const text = new Map(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
const isTest = (file: string): boolean =>
  file.endsWith(".test.ts") || file.startsWith("tests/") || file.startsWith("libs/testing/") || file.includes("fixture");
const sources = files.filter((file) => !isTest(file));

/** Repository paths of what a file imports, packages left out. */
function imports(file: string): string[] {
  const found = text.get(file)!.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)"([^"]+)"/g);
  return [...found].flatMap(([, target]) => {
    if (target!.startsWith("#libs/")) return [`libs/${target!.slice(6)}`];
    if (target!.startsWith("#protos/")) return [`protos/gen/modiste/v1/${target!.slice(8)}`];
    if (target!.startsWith(".")) return [posix.normalize(posix.join(posix.dirname(file), target!))];
    return [];
  });
}

/** Place of a file in `layers`: [layer, place inside]; null outside of them. */
function place(file: string): readonly [number, number] | null {
  const [top, name] = file.split("/");
  const folder = top === "libs" ? name! : top === "services" ? "services" : "";
  const layer = layers.findIndex((names) => names.includes(folder));
  return layer === -1 ? null : [layer, layers[layer]!.indexOf(folder)];
}

describe("the house", () => {
  it("imports go down the layers only", () => {
    const wrong = sources.flatMap((file) => {
      const from = place(file);
      return imports(file).flatMap((target) => {
        const to = place(target);
        if (!from || !to || (from[0] === to[0] && from[1] === to[1])) return [];
        return to[0] < from[0] || (to[0] === from[0] && to[1] < from[1]) ? [] : [`${file} imports ${target}`];
      });
    });
    expect(wrong).toEqual([]);
  });

  it("services never import each other; the table may, and may be imported", () => {
    const serviceOf = (file: string): string | null => /^services\/([^/]+)\//.exec(file)?.[1] ?? null;
    const wrong = sources.flatMap((file) =>
      imports(file).flatMap((target) => {
        const from = serviceOf(file);
        const to = serviceOf(target);
        return from !== null && to !== null && from !== to ? [`${file} imports ${target}`] : [];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("generated messages are imported at the edge only", () => {
    const atEdge = (file: string): boolean =>
      file.startsWith("services/") || file.startsWith("libs/rpc/") || (exceptions.protoEdge as readonly string[]).includes(file);
    const importing = sources.filter((file) => imports(file).some((target) => target.startsWith("protos/gen")));
    expect(importing.filter((file) => !atEdge(file))).toEqual([]);
    expect(exceptions.protoEdge.filter((file) => !importing.includes(file))).toEqual([]);
  });

  it("models know no file and no service", () => {
    const wrong = sources.filter(
      (file) => file.startsWith("libs/models/") && /"node:fs|"#libs\/(rpc|release|serve|bus|store)\//.test(text.get(file)!),
    );
    expect(wrong).toEqual([]);
  });

  it("only their owners know transports and stores", () => {
    const owners: Readonly<Record<string, string>> = {
      '"@grpc/': "libs/rpc/",
      '"nice-grpc': "libs/rpc/",
      '"lmdb"': "libs/(bus|store)/",
      '"kafkajs"': "libs/bus/",
      '"ioredis"': "libs/store/",
      '"fastify"': "services/gateway/",
      '"@duckdb/': "libs/data/",
      '"@aws-sdk/': "libs/release/",
    };
    const wrong = sources.flatMap((file) =>
      Object.entries(owners).flatMap(([word, owner]) =>
        text.get(file)!.includes(`from ${word}`) && !new RegExp(`^${owner}`).test(file) ? [`${file}: ${word}`] : [],
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("no file is longer than 300 lines", () => {
    expect(sources.flatMap((file) => (text.get(file)!.split("\n").length > 301 ? [file] : []))).toEqual([]);
  });

  it("time, chance and environment come from their owners, and nothing is kept at module level", () => {
    const banned = /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b|\bperformance\.now\(/;
    const ambient = sources.filter((file) => banned.test(text.get(file)!));
    expect(ambient.filter((file) => !(exceptions.ambient as readonly string[]).includes(file))).toEqual([]);
    expect(exceptions.ambient.filter((file) => !ambient.includes(file))).toEqual([]);
    expect(sources.filter((file) => /^(export )?let /m.test(text.get(file)!))).toEqual([]);
  });

  it("no name says manager, helper or utility, and no folder either", () => {
    const wrong = sources.filter(
      (file) =>
        /\/(utils?|helpers?|common|managers?)(\/|\.ts)/.test(file) ||
        /^(export )?(class|interface|type|function) \w*(Manager|Helper|Util)s?\b/m.test(text.get(file)!),
    );
    expect(wrong).toEqual([]);
  });

  it("every file is reachable from an entry point or a test", () => {
    const entries = files.filter(
      (file) => isTest(file) || file.endsWith("/main.ts") || file.startsWith("scripts/") || /-?worker\.ts$/.test(file),
    );
    const reached = new Set<string>();
    const queue = [...entries];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      if (text.has(file)) queue.push(...imports(file));
    }
    expect(sources.filter((file) => !reached.has(file))).toEqual([]);
  });

  it("every source, metric, filter and stage of the gateway has a test beside it or in its folder", () => {
    const extended = [
      /^services\/[^/]+\/source\.ts$/,
      /^libs\/evaluation\/metrics\//,
      /^services\/gateway\/(admit|hydrate|retrieve|filter|rank|arrange|explain|respond)\//,
    ];
    const tested = (file: string): boolean => readdirSync(join(root, dirname(file))).some((name) => name.endsWith(".test.ts"));
    expect(sources.filter((file) => extended.some((pattern) => pattern.test(file)) && !tested(file))).toEqual([]);
  });

  it("every row of the fleet has its folder, its main.ts and its README", () => {
    const names = [...text.get("services/fleet.ts")!.matchAll(/^\s+name: "([a-z0-9-]+)"/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(5);
    const missing = names
      .flatMap((name) => ["main.ts", "README.md"].map((file) => `services/${name}/${file}`))
      .filter((file) => !existsSync(join(root, file)));
    expect(missing).toEqual([]);
  });

  it("finds files at all", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(relative(root, join(root, sources[0]!))).toBe(sources[0]);
  });
});
