/** What every manifest of every environment must keep to. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { adminPortOf } from "#libs/serve/fleet-row.ts";
import { secretKeys } from "../../charts-cdk8s/settings.ts";
import { fleet } from "../../services/fleet.ts";
import { containersOf, environmentNames, type ManifestJson, manifestsOf, root, workloadsOf } from "./manifests.ts";

type Labels = Readonly<Record<string, string>>;

const labelNames = ["name", "instance", "version", "component", "part-of", "managed-by"].map((name) => `app.kubernetes.io/${name}`);
const includes = (labels: Labels, selector: Labels): boolean => Object.entries(selector).every(([key, value]) => labels[key] === value);
const isScaled = (environment: string): boolean => environment !== "dev";

describe.each(environmentNames)("%s", (environment) => {
  const manifests = manifestsOf(environment);
  const workloads = workloadsOf(manifests);
  const containers = workloads.flatMap(({ name, pod }) =>
    containersOf(pod).map((container) => ({ name: `${name}/${container.name}`, container })),
  );
  const named = (kind: string, name: string): ManifestJson | undefined =>
    manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  const specOf = <T>(kind: string, name: string): T => named(kind, name)?.spec as T;

  it("every container is closed: no privilege, no root, no capability, a root that is read-only", () => {
    for (const { name, container } of containers) {
      expect(container.securityContext, name).toEqual({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        privileged: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
      });
    }
  });

  it("every pod runs as nobody of the host, with the runtime's seccomp profile and without a token", () => {
    for (const { name, pod } of workloads) {
      expect(pod.securityContext, name).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 65_532,
        runAsGroup: 65_532,
        seccompProfile: { type: "RuntimeDefault" },
      });
      expect([pod.hostNetwork, pod.hostPID, pod.hostIPC], name).toEqual([undefined, undefined, undefined]);
      expect(
        pod.volumes?.filter((volume) => "hostPath" in volume),
        name,
      ).toEqual([]);
      expect(pod.automountServiceAccountToken, name).toBe(false);
      const account = named("ServiceAccount", pod.serviceAccountName ?? "default") as unknown as { automountServiceAccountToken?: boolean };
      expect(account?.automountServiceAccountToken, name).toBe(false);
    }
  });

  it("every container has requests and limits of CPU and memory", () => {
    for (const { name, container } of containers) {
      for (const side of ["requests", "limits"] as const)
        expect(Object.keys(container.resources?.[side] ?? {}), `${name} ${side}`).toEqual(expect.arrayContaining(["cpu", "memory"]));
    }
  });

  it("every image has a tag, and none is latest", () => {
    for (const { name, container } of containers) expect(container.image, name).toMatch(/^([^:@]+\/)?[^:@/]+:(?!latest$)[\w.-]+$/);
  });

  it("our images run where their programs do", () => {
    const ours = workloads.filter(({ pod }) => containersOf(pod).some(({ image }) => /(^|\/)modiste(-gpu)?:/.test(image)));
    expect(ours.length).toBeGreaterThan(fleet.length);
    for (const { name, pod } of ours)
      expect(pod.nodeSelector, name).toMatchObject({ "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" });
  });

  it("what people start themselves waits, and a rollback is tried once and wants nothing but releases", () => {
    const byHand = environment === "dev" ? ["rollback"] : ["import", "rollback"];
    for (const name of byHand) expect(specOf("CronJob", name), name).toMatchObject({ suspend: true, concurrencyPolicy: "Forbid" });
    const { pod, spec } = workloads.find(({ name }) => name === "rollback")!;
    expect(pod.initContainers).toBeUndefined();
    expect(pod.containers.map(({ args }) => args)).toEqual([["releases", "rollback"]]);
    expect(spec).toMatchObject({ backoffLimit: 0 });
    expect(spec.podFailurePolicy).toBeUndefined();
    // A volume that another node holds would keep it waiting.
    expect(JSON.stringify(pod.volumes)).not.toContain("modiste-data");
    const memoryMiB = fleet.reduce((sum, { resources }) => sum + resources.memoryMiB, 0);
    expect(pod.containers[0]?.resources?.limits?.memory).toBe(`${memoryMiB}Mi`);
  });

  it("the archive is taken every hour, in dev when somebody asks; retraining reads it", () => {
    expect(specOf("CronJob", "archive")).toMatchObject({ suspend: environment === "dev", concurrencyPolicy: "Forbid" });
    const [archive, retrain] = ["archive", "retrain"].map((name) => workloads.find((workload) => workload.name === name)!.pod);
    expect(containersOf(archive!).map(({ args }) => args)).toEqual([["events", "archive"]]);
    expect(containersOf(retrain!).map(({ name }) => name)).toEqual(["continue", "retrain"]);
    for (const pod of [archive, retrain]) expect(JSON.stringify(pod!.volumes)).toContain("modiste-data");
  });

  it("the page, where anybody may look as any customer, is served in dev alone", () => {
    const { pod } = workloads.find(({ name }) => name === "gateway")!;
    const page = pod.containers[0]?.env?.find(({ name }) => name === "MODISTE_PAGE")?.value;
    expect(page).toBe(environment === "dev" ? undefined : "off");
  });

  it("everything carries the labels of Kubernetes, and its namespace", () => {
    const namespace = manifests.find(({ kind }) => kind === "Namespace")!;
    expect(namespace.metadata.labels).toMatchObject({
      "modiste/environment": environment,
      "pod-security.kubernetes.io/enforce": "restricted",
      "pod-security.kubernetes.io/warn": "restricted",
      "pod-security.kubernetes.io/enforce-version": expect.stringMatching(/^v1\.\d+$/),
    });
    for (const { kind, metadata } of manifests) {
      expect(Object.keys(metadata.labels ?? {}), `${kind} ${metadata.name}`).toEqual(expect.arrayContaining(labelNames));
      if (kind !== "Namespace") expect(metadata.namespace, `${kind} ${metadata.name}`).toBe(namespace.metadata.name);
    }
  });

  it("secrets are named, and stand nowhere but in the Secret of dev", () => {
    expect(manifests.filter(({ kind }) => kind === "Secret").map(({ metadata }) => metadata.name)).toEqual(
      environment === "dev" ? ["modiste"] : [],
    );
    for (const { name, container } of containers) {
      for (const { name: variable, value, valueFrom } of container.env ?? []) {
        const isSecret = /KEY|PASSWORD|USERNAME|REDIS_URL/.test(variable);
        expect(value === undefined, `${name} ${variable}`).toBe(isSecret);
        if (isSecret) expect(valueFrom?.secretKeyRef?.name, `${name} ${variable}`).toBe("modiste");
        if (isSecret) expect(secretKeys, `${name} ${variable}`).toContain(valueFrom?.secretKeyRef?.key);
      }
    }
  });

  it("settings are those that docs/config.md names", () => {
    const documented = new Set(readFileSync(join(root, "docs/config.md"), "utf8").match(/MODISTE_[A-Z0-9_]+/g));
    const shared = Object.keys(named("ConfigMap", "modiste")?.data ?? {});
    const own = workloads.flatMap(({ pod }) => containersOf(pod).flatMap(({ env = [] }) => env.map(({ name }) => name)));
    const general = (name: string): string => name.replace("MODISTE_RANKING_", "MODISTE_");
    const unknown = [...new Set([...shared, ...own])].filter(
      (name) => name.startsWith("MODISTE_") && !documented.has(name) && !documented.has(general(name)),
    );
    expect(unknown).toEqual([]);
  });

  it("Services, budgets and policies select pods that there are, and no two Deployments the same", () => {
    const selectorOf = ({ kind, spec = {} }: ManifestJson): Labels | undefined => {
      if (kind === "Service") return spec.selector as Labels;
      if (kind === "PodDisruptionBudget") return (spec.selector as { matchLabels: Labels }).matchLabels;
      return kind === "NetworkPolicy" ? (spec.podSelector as { matchLabels?: Labels }).matchLabels : undefined;
    };
    const idle = manifests.flatMap((manifest) => {
      const selector = selectorOf(manifest);
      return selector === undefined || workloads.some(({ labels }) => includes(labels, selector))
        ? []
        : [`${manifest.kind} ${manifest.metadata.name}`];
    });
    expect(idle).toEqual([]);
    for (const { kind, metadata, spec } of manifests.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")) {
      const { matchLabels } = spec!.selector as { matchLabels: Labels };
      expect(
        workloads.filter(({ labels }) => includes(labels, matchLabels)).map(({ name }) => name),
        `${kind} ${metadata.name}`,
      ).toEqual([metadata.name]);
    }
  });

  it.each(fleet.map((row) => [row.name, row] as const))("%s has all that a service has", (name, row) => {
    const deployment = specOf<{ replicas?: number; strategy: unknown; minReadySeconds: number }>("Deployment", name);
    expect(deployment.strategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } });
    expect(deployment.replicas).toBe(isScaled(environment) ? undefined : 1);
    const { pod } = workloads.find((workload) => workload.name === name)!;
    const [container] = pod.containers;
    expect(container?.args).toEqual(["serve", name]);
    expect(container?.ports?.map(({ containerPort }) => containerPort)).toEqual([row.port, adminPortOf(row)]);
    expect(container?.startupProbe?.grpc).toEqual({ port: row.port, service: "liveness" });
    expect(container?.livenessProbe?.grpc).toEqual({ port: row.port, service: "liveness" });
    expect(container?.readinessProbe?.grpc).toEqual({ port: row.port });
    expect(container?.lifecycle).toEqual({ preStop: { sleep: { seconds: 5 } } });
    expect(pod.terminationGracePeriodSeconds).toBe(30);
    expect(pod.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey)).toEqual([
      "topology.kubernetes.io/zone",
      "kubernetes.io/hostname",
    ]);
    expect(pod.affinity).toHaveProperty("podAntiAffinity");
    const headless = specOf<{ clusterIP: string }>("Service", row.kind === "gateway" ? `${name}-pods` : name);
    expect(headless.clusterIP).toBe("None");
    expect(named("PodDisruptionBudget", name)?.spec).toMatchObject({ maxUnavailable: 1 });
    expect(named("NetworkPolicy", name)?.spec).toMatchObject({ policyTypes: ["Ingress", "Egress"] });
    expect(named("ServiceAccount", name)).toBeDefined();
    const scaling = named("HorizontalPodAutoscaler", name)?.spec;
    if (isScaled(environment)) expect(scaling).toMatchObject({ scaleTargetRef: { kind: "Deployment", name }, minReplicas: row.replicas });
    else expect(scaling).toBeUndefined();
  });

  it("the door has one address for HTTP and gRPC", () => {
    const ports = specOf<{ ports: { port: number; targetPort: string }[] }>("Service", "gateway").ports;
    expect(ports.map(({ port, targetPort }) => [port, targetPort])).toEqual([
      [80, "metrics"],
      [50_051, "grpc"],
    ]);
  });

  it("a pod whose settings change is a new pod", () => {
    const sums = manifests.flatMap(({ kind, spec }) =>
      kind === "Deployment" || kind === "StatefulSet"
        ? [(spec!.template as { metadata: { annotations?: Labels } }).metadata.annotations?.["modiste/settings-checksum"]]
        : [],
    );
    expect(sums.filter((sum) => !/^[0-9a-f]{16}$/.test(sum ?? ""))).toEqual([]);
  });
});

it("no two environments share a namespace: each may be applied beside the others", () => {
  const names = environmentNames.map((environment) => manifestsOf(environment).find(({ kind }) => kind === "Namespace")?.metadata.name);
  expect(new Set(names).size).toBe(environmentNames.length);
});

describe("ranking on cards", () => {
  const workloads = workloadsOf(manifestsOf("production"));
  const [cpu, gpu] = ["ranking", "ranking-gpu"].map((name) => workloads.find((workload) => workload.name === name)!);

  it("asks for a card and for the nodes that have one, and falls back to the pods without", () => {
    const [container] = gpu!.pod.containers;
    expect(container?.image).toMatch(/\/modiste-gpu:/);
    expect(container?.resources?.limits).toHaveProperty(["nvidia.com/gpu"], 1);
    expect(container?.env).toContainEqual({ name: "MODISTE_RANKING_DEVICE", value: "cuda" });
    expect(gpu!.pod.nodeSelector).toMatchObject({ "nvidia.com/gpu.present": "true" });
    expect(gpu!.pod.tolerations).toEqual([{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }]);
    expect(cpu!.pod.nodeSelector).not.toHaveProperty(["nvidia.com/gpu.present"]);
    expect(cpu!.pod.containers[0]?.image).toMatch(/\/modiste:/);
  });

  it("gives its card back before the next pod asks for it", () => {
    expect(gpu!.spec.strategy).toEqual({ type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  });

  it("stands behind the same name as the pods without", () => {
    const service = manifestsOf("production").find(({ kind, metadata }) => kind === "Service" && metadata.name === "ranking");
    for (const { labels } of [cpu!, gpu!]) expect(includes(labels, service?.spec?.selector as Labels)).toBe(true);
  });
});
