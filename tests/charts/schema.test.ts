/** Every manifest against the schemas of Kubernetes, where the folder ../shared/data of the repository is there. Without it the compiler alone has seen the types. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { environmentNames, type ManifestJson, manifestsOf, root } from "./manifests.ts";
import { openStrictSchema, type StrictSchema } from "./strict-schema.ts";

const path = join(root, "../shared/data/kubernetes/schemas-v1.34.json.gz");

describe("schemas of Kubernetes 1.34", () => {
  let schema: StrictSchema;
  beforeAll(() => {
    if (existsSync(path)) schema = openStrictSchema(path);
  });
  beforeEach((context) => {
    if (!existsSync(path)) context.skip(`${path} is not on this machine`);
  });
  const problems = ({ file, ...manifest }: ManifestJson): string[] =>
    schema.problems(manifest).map((problem) => `${file}: ${manifest.kind} ${manifest.metadata.name} ${problem}`);

  it.each(environmentNames)("every manifest of %s is valid, and names no field that is unknown", (name) => {
    const manifests = manifestsOf(name);
    expect(manifests.length).toBeGreaterThan(40);
    expect(manifests.flatMap(problems)).toEqual([]);
  });

  const deployment = (): ManifestJson => structuredClone(manifestsOf("production").find(({ kind }) => kind === "Deployment")!);
  /** Sets a field deep inside. */
  const planted = (manifest: ManifestJson, at: readonly (string | number)[], value: unknown): ManifestJson => {
    const last = at.at(-1) as string;
    const holder = at
      .slice(0, -1)
      .reduce<Record<string, unknown>>(
        (inner, key) => inner[key] as Record<string, unknown>,
        manifest as unknown as Record<string, unknown>,
      );
    holder[last] = value;
    return manifest;
  };

  it.each([
    [["spec", "strategie"], {}, "/spec must NOT have additional properties: strategie"],
    [
      ["spec", "template", "spec", "containers", 0, "livenessprobe"],
      {},
      "/spec/template/spec/containers/0 must NOT have additional properties: livenessprobe",
    ],
    [["spec", "template", "spec", "securityContext", "runAsNonroot"], true, "must NOT have additional properties: runAsNonroot"],
    [["metadata", "label"], {}, "/metadata must NOT have additional properties: label"],
    [["spec", "minReadySeconds"], "5", "/spec/minReadySeconds must be integer"],
    [["spec", "selector"], undefined, "/spec must have required property 'selector'"],
  ] as const)("refuses a planted %j", (at, value, message) => {
    const wrong = planted(deployment(), at, value);
    if (value === undefined) delete (wrong.spec as Record<string, unknown>).selector;
    expect(problems(wrong).join("\n")).toContain(message);
  });

  it("refuses a kind that there is not", () => {
    expect(problems({ ...deployment(), apiVersion: "apps/v2" }).join()).toContain("no schema of apps/v2 Deployment");
  });
});
