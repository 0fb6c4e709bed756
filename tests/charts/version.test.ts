/** From one version of modiste to the next: what cannot change does not, and what is not ours is not started anew. */

import { afterAll, describe, expect, it, vi } from "vitest";
import { environmentNames, type ManifestJson, manifestsOf, workloadsOf } from "./manifests.ts";

const another = "99.0.0";

async function writtenAs(version: string, name: string): Promise<ManifestJson[]> {
  vi.resetModules();
  vi.doMock("../../package.json", () => ({ default: { version } }));
  const [{ synthesize }, { environmentNamed }, { fleet }] = await Promise.all([
    import("../../charts-cdk8s/synth.ts"),
    import("../../charts-cdk8s/environments/index.ts"),
    import("../../services/fleet.ts"),
  ]);
  const files = [...synthesize(fleet, environmentNamed(name))].sort(([a], [b]) => a.localeCompare(b));
  return files.flatMap(([file, manifests]) => manifests.map((manifest) => ({ ...manifest, file }) as ManifestJson));
}

/** Fields that the API server refuses to change. */
const fixed = (manifests: readonly ManifestJson[]): unknown[] =>
  manifests
    .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
    .map(({ kind, metadata, spec = {} }) => [kind, metadata.name, spec.selector, spec.serviceName, spec.volumeClaimTemplates]);

const templates = (manifests: readonly ManifestJson[]): [string, unknown][] =>
  workloadsOf(manifests).map(({ name, spec }) => [name, spec.template]);

/** Values as the API server is told them. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe.each(environmentNames)("another version in %s", (environment) => {
  afterAll(() => {
    vi.doUnmock("../../package.json");
    vi.resetModules();
  });

  it("can be applied over this one, and starts anew what is ours alone", async () => {
    const now = manifestsOf(environment);
    const next = plain(await writtenAs(another, environment));
    expect(plain(fixed(next))).toEqual(plain(fixed(now)));
    const before = new Map(templates(now));
    const changed = templates(next).filter(([name, template]) => JSON.stringify(template) !== JSON.stringify(before.get(name)));
    const ours = workloadsOf(next).filter(({ pod }) => pod.containers.some(({ image }) => image.endsWith(`:${another}`)));
    expect(ours.length).toBeGreaterThan(7);
    expect(changed.map(([name]) => name)).toEqual(ours.map(({ name }) => name));
  });

  it("finds no Job whose template could not change; dev makes its shop with one", () => {
    const jobs = manifestsOf(environment).filter(({ kind }) => kind === "Job");
    expect(jobs.map(({ metadata }) => metadata.name)).toEqual(environment === "dev" ? ["prepare"] : []);
  });
});
