/** What stands in k8s/ is what the charts write, and what they refuse to write. */

import { describe, expect, it } from "vitest";
import { checkManifests } from "../../charts-cdk8s/check.ts";
import { checkEnvironment, type Environment } from "../../charts-cdk8s/environment.ts";
import { dev } from "../../charts-cdk8s/environments/dev.ts";
import { environmentNamed, environments } from "../../charts-cdk8s/environments/index.ts";
import { production } from "../../charts-cdk8s/environments/production.ts";
import { checkImage, version } from "../../charts-cdk8s/image.ts";
import { synthesize, textOf as write } from "../../charts-cdk8s/synth.ts";
import { fleet } from "../../services/fleet.ts";
import { environmentNames, filesOf, textOf } from "./manifests.ts";

describe("k8s/", () => {
  it("holds a folder for each environment", () => {
    expect(environments.map(({ name }) => name)).toEqual([...environmentNames]);
  });

  it.each(environmentNames)("%s is what the charts write", (name) => {
    const files = synthesize(fleet, environmentNamed(name));
    expect(filesOf(name)).toEqual([...files.keys()].sort());
    for (const [file, manifests] of files) expect(textOf(name, file), file).toBe(write(manifests));
  });

  it("is written alike every time", () => {
    const texts = (): string[] => [...synthesize(fleet, dev).values()].map(write);
    expect(texts()).toEqual(texts());
  });

  it("differs in live updates by image, command and the root that is written to alone", () => {
    const unlike = [...synthesize(fleet, { ...dev, live: true })].flatMap(([file, manifests]) => {
      const plain = textOf("dev", file).split("\n");
      return write(manifests)
        .split("\n")
        .filter((line) => !plain.includes(line))
        .map((line) => line.trim());
    });
    expect(new Set(unlike)).toEqual(
      new Set([
        "command:",
        "- node",
        "- --watch",
        "- --import",
        "- tsx",
        "- services/cli/main.ts",
        `image: modiste-dev:${version}`,
        "readOnlyRootFilesystem: false",
      ]),
    );
  });
});

describe("what is refused", () => {
  it("an environment that there is not, naming those there are", () => {
    expect(() => environmentNamed("prod")).toThrow('no environment "prod"; there are dev, staging, production');
  });

  it("an environment with fields that are missing or empty, naming all of them", () => {
    const { namespace: _, ...rest } = production;
    const broken = {
      ...rest,
      kafka: { ...(production.kafka as object), brokers: [], saslMechanism: "" },
      retraining: { ...production.retraining, memoryMiB: Number.NaN },
    } as unknown as Environment;
    expect(() => checkEnvironment(broken)).toThrow(
      'environment "production": production.namespace is missing; production.kafka.brokers names nothing; ' +
        "production.kafka.saslMechanism is empty; production.retraining.memoryMiB is NaN, must be above 0",
    );
  });

  it("the same at synth", () => {
    expect(() => synthesize(fleet, { ...dev, namespace: "" })).toThrow('environment "dev": dev.namespace is empty');
  });

  it.each([
    ["modiste:latest", '"latest" is no version'],
    ["modiste", "has no tag"],
    ["registry.example:5000/modiste", "has no tag"],
    ["registry.example/modiste@sha256:0", "has no tag"],
  ])("the image %s", (image, message) => {
    expect(() => checkImage(image)).toThrow(message);
  });

  it("takes images with a tag, behind a port and with a digest", () => {
    for (const image of ["modiste:0.1.0", "registry.example:5000/a/modiste:0.1.0", `modiste:0.1.0@sha256:${"a".repeat(64)}`])
      expect(checkImage(image)).toBe(image);
  });

  it("a manifest of a service that is no row of the table", () => {
    const labels = { "app.kubernetes.io/name": "trending" };
    expect(() => checkManifests(fleet, [{ kind: "Deployment", metadata: { name: "trending", labels } }])).toThrow(
      'Deployment "trending": "trending" is no row of services/fleet.ts; there are popularity, itemcf,',
    );
  });

  it("a service that is asked for and no row of the table", () => {
    expect(() => synthesize(fleet, dev, ["trending"])).toThrow('no service "trending"; there are popularity, itemcf');
  });

  it("leaves out the services that were not asked for, and nothing else", () => {
    const all = [...synthesize(fleet, dev).keys()];
    const some = [...synthesize(fleet, dev, ["gateway", "itemcf"]).keys()];
    expect(all.filter((file) => !some.includes(file))).toEqual(
      fleet.filter(({ name }) => name !== "gateway" && name !== "itemcf").map(({ name }) => `20-${name}.yaml`),
    );
  });
});
