/** The Tiltfile, evaluated by ../shared/tools/tiltcheck where it and Go are there: its resources are those of the table. */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { gatewayHttpPort } from "#libs/serve/fleet-row.ts";
import { fleet } from "../../services/fleet.ts";
import { root } from "./manifests.ts";

const source = join(root, "../shared/tools/tiltcheck");
const missing = !existsSync(source)
  ? `${source} is not on this machine`
  : spawnSync("go", ["version"]).status === 0
    ? ""
    : "go is not on PATH";

interface ResourceJson {
  readonly args: {
    readonly workload?: string;
    readonly new_name?: string;
    readonly labels?: readonly string[];
    readonly objects?: readonly string[];
    readonly port_forwards?: readonly { readonly args?: { readonly local_port: number }; readonly local_port?: number }[];
    readonly resource_deps?: readonly string[];
  };
}

interface EvaluatedJson {
  readonly images: readonly { readonly args: Readonly<Record<string, unknown>> }[];
  readonly objects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly workload: boolean;
    readonly images?: readonly string[];
  }[];
  readonly resources: readonly ResourceJson[];
  readonly warnings: readonly string[];
  readonly errors: readonly string[];
}

interface Evaluated {
  readonly status: number | null;
  readonly said: string;
  readonly result: EvaluatedJson;
}

const jobs = ["prepare", "archive", "retrain", "rollback"];

/** An evaluation starts node twice, some seconds each on a machine at rest. */
const limitMs = 240_000;

describe("the Tiltfile", { timeout: limitMs }, () => {
  const folder = mkdtempSync(join(tmpdir(), "modiste-tilt-"));
  const program = join(folder, "tiltcheck");
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeEach((context) => {
    if (missing !== "") context.skip(missing);
  });
  beforeAll(() => {
    if (missing !== "") return;
    // Go writes beside what it builds where sums are missing; the folder may be read-only.
    cpSync(source, join(folder, "source"), { recursive: true });
    const built = spawnSync("go", ["build", "-o", program, "."], { cwd: join(folder, "source"), encoding: "utf8" });
    if (built.status !== 0) throw new Error(`go build: ${built.stderr}`);
    whole = evaluate();
  });
  let whole: Evaluated;

  function evaluate(...flags: readonly string[]): Evaluated {
    const { status, stdout, stderr } = spawnSync(program, ["-allow-local", "-strict", "-f", "Tiltfile", "--", ...flags], {
      cwd: root,
      encoding: "utf8",
    });
    return { status, said: stderr + stdout, result: (stdout.startsWith("{") ? JSON.parse(stdout) : {}) as EvaluatedJson };
  }
  const labelled = ({ resources }: EvaluatedJson, label: string): string[] =>
    resources.flatMap(({ args }) => (args.labels?.includes(label) && args.workload !== undefined ? [args.workload] : []));
  const named = ({ resources }: EvaluatedJson, name: string): ResourceJson["args"] | undefined =>
    resources.find(({ args }) => args.workload === name)?.args;
  const portsOf = (args: ResourceJson["args"] | undefined): (number | undefined)[] =>
    (args?.port_forwards ?? []).map((forward) => forward.local_port ?? forward.args?.local_port);

  it("holds the services of the table, grouped, with the gateway's ports and a shop that is made when the stores are there", () => {
    const { status, said, result } = whole;
    expect(status, said).toBe(0);
    expect(result.errors).toEqual([]);
    expect(labelled(result, "sources")).toEqual(fleet.filter(({ kind }) => kind === "source").map(({ name }) => name));
    expect(labelled(result, "serving")).toEqual(fleet.filter(({ kind }) => kind !== "source").map(({ name }) => name));
    expect(labelled(result, "data")).toEqual(["kafka", "redis"]);
    expect(labelled(result, "telemetry")).toEqual(["collector", "prometheus", "grafana"]);
    expect(labelled(result, "jobs")).toEqual(jobs);
    const gateway = fleet.find(({ kind }) => kind === "gateway")!;
    expect(portsOf(named(result, gateway.name))).toEqual([gatewayHttpPort, gateway.port]);
    expect(portsOf(named(result, "grafana"))).toEqual([3000]);
    expect(portsOf(named(result, "prometheus"))).toEqual([9090]);
    expect(named(result, "prepare")?.resource_deps).toEqual(["settings", "redis"]);
  });

  it("builds one image, which all of ours run", () => {
    const { result } = whole;
    expect(result.images.map(({ args }) => [args.ref, args.target])).toEqual([["modiste-dev", "dev"]]);
    const ours = result.objects.filter(({ name, workload }) => workload && [...fleet.map((row) => row.name), ...jobs].includes(name));
    expect(ours).toHaveLength(fleet.length + jobs.length);
    for (const { name, images = [] } of ours)
      expect(new Set(images.map((image) => image.split(":")[0])), name).toEqual(new Set(["modiste-dev"]));
  });

  it("runs only the services that are asked for", () => {
    const { status, said, result } = evaluate("--only", "gateway,itemcf");
    expect(status, said).toBe(0);
    expect(labelled(result, "sources")).toEqual(["itemcf"]);
    expect(labelled(result, "serving")).toEqual(["gateway"]);
    expect(labelled(result, "data")).toEqual(["kafka", "redis"]);
  });

  it("refuses a service that there is not, naming those there are", () => {
    const { status, said } = evaluate("--only", "trending");
    expect(status).not.toBe(0);
    expect(said).toContain('no service "trending"; there are popularity');
  });
});
