/** Every pair of pods and every port, by the policies, against the architecture written down here by hand. */

import { describe, expect, it } from "vitest";
import { type EnvironmentName, environmentNames, manifestsOf, workloadsOf } from "./manifests.ts";
import { type Door, isAllowed, type Place, type PolicyJson } from "./network.ts";

type Arrows = Readonly<Record<string, readonly string[]>>;

const rpc = ["popularity:50061", "itemcf:50062", "lightgcn:50063", "content:50064", "ranking:50071", "profile:50081"];
const metrics = [
  ...["popularity:51061", "itemcf:51062", "lightgcn:51063", "content:51064"],
  ...["ranking:51071", "profile:51081", "gateway:8080"],
];
const door = ["gateway:8080", "gateway:50051"];

/** Every pod may also ask `dns`. */
const inside = {
  gateway: [...rpc, "kafka:9092", "redis:6379", "collector:4318"],
  popularity: ["redis:6379", "collector:4318"],
  itemcf: ["redis:6379", "collector:4318"],
  lightgcn: ["redis:6379", "collector:4318"],
  content: ["redis:6379", "collector:4318"],
  ranking: ["redis:6379", "collector:4318"],
  profile: ["kafka:9092", "redis:6379", "collector:4318"],
  kafka: [],
  redis: [],
  collector: [],
  prometheus: [...metrics, "collector:8889"],
  grafana: ["prometheus:9090"],
  prepare: ["redis:6379"],
  archive: ["kafka:9092"],
  // Releases lie on a volume.
  retrain: [],
  rollback: [],
  // Anyone may call the gateway of a cluster of one's own.
  "a shop": door,
  "a stranger": door,
  "an address": door,
  dns: door,
} satisfies Arrows;

const outsideSource = ["their redis:6380", "their objects:443", "their collector:4318"];
const outside = {
  gateway: [...rpc, "their kafka:9094", ...outsideSource],
  popularity: outsideSource,
  itemcf: outsideSource,
  lightgcn: outsideSource,
  content: outsideSource,
  ranking: outsideSource,
  profile: ["their kafka:9094", "their redis:6380", "their collector:4318"],
  archive: ["their kafka:9094"],
  retrain: ["their objects:443"],
  rollback: ["their objects:443"],
  import: ["their redis:6380", "their objects:443"],
  "their prometheus": metrics,
  "an ingress": door,
  "a shop": door,
  "a stranger": [],
  "an address": [],
} satisfies Arrows;

/** The card's pods go where the CPU's go, and are reached as they are. */
const withCards = (arrows: Arrows): Arrows => ({
  ...Object.fromEntries(
    Object.entries(arrows).map(([from, to]) => [
      from,
      to.flatMap((end) => (end.startsWith("ranking:") ? [end, end.replace("ranking", "ranking-gpu")] : [end])),
    ]),
  ),
  "ranking-gpu": arrows.ranking!,
});

const table: Readonly<Record<EnvironmentName, Arrows>> = { dev: inside, staging: outside, production: withCards(outside) };

const namespaces: Readonly<Record<EnvironmentName, string>> = { dev: "modiste-dev", staging: "modiste-staging", production: "modiste" };

const pod = (name: string, namespace: string, app = name): Place => ({ name, namespace, labels: { "app.kubernetes.io/name": app } });

/** What stands beyond the namespace: those who are let in, those who are called, and those who are neither. */
function beyond(environment: EnvironmentName): Place[] {
  const dns: Place = { name: "dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
  const subnet = environment === "staging" ? "10.20" : "10.10";
  return [
    dns,
    pod("a shop", environment === "staging" ? "shop-staging" : "shop"),
    pod("a stranger", "strangers", "gateway"),
    { name: "an address", address: "203.0.113.7" },
    ...(environment === "dev"
      ? []
      : [
          pod("an ingress", "ingress"),
          pod("their collector", "observability", "collector"),
          pod("their prometheus", "observability", "prometheus"),
          { name: "their kafka", address: `${subnet}.16.9` },
          { name: "their redis", address: `${subnet}.17.9` },
          { name: "their objects", address: `${subnet}.18.9` },
        ]),
  ];
}

function policiesOf(environment: EnvironmentName): PolicyJson[] {
  return manifestsOf(environment)
    .filter(({ kind }) => kind === "NetworkPolicy")
    .map(({ metadata, spec }) => ({ namespace: metadata.namespace, ...spec }) as PolicyJson);
}

/** Every port that any pod opens, any arrow names, and some that nobody should reach. */
function doorsOf(environment: EnvironmentName): Door[] {
  const opened = workloadsOf(manifestsOf(environment)).flatMap(({ pod: { containers } }) =>
    containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort)),
  );
  const named = Object.values(table[environment]).flatMap((ends) => ends.map((end) => Number(end.split(":")[1])));
  const ports = [...new Set([...opened, ...named, 22, 53, 80, 443, 9093, 10_250])];
  return [...ports.map((port): Door => ({ port, protocol: "TCP" })), { port: 53, protocol: "UDP" }, { port: 6379, protocol: "UDP" }];
}

function placesOf(environment: EnvironmentName): Place[] {
  const pods = workloadsOf(manifestsOf(environment)).map(({ name, labels }): Place => {
    return { name, namespace: namespaces[environment], labels };
  });
  return [...pods, ...beyond(environment)];
}

/** "from -> to:port" of everything that is let through; pairs outside of the namespace are not ours to judge. */
function allowedPairs(environment: EnvironmentName, policies: readonly PolicyJson[]): string[] {
  const [places, doors] = [placesOf(environment), doorsOf(environment)];
  const ours = (place: Place): boolean => "namespace" in place && place.namespace.startsWith("modiste");
  return places.flatMap((from) =>
    places.flatMap((to) =>
      ours(from) || ours(to)
        ? doors
            .filter((each) => isAllowed(policies, from, to, each))
            .map(({ port, protocol }) => `${from.name} -> ${to.name}:${port}${protocol === "UDP" ? "/UDP" : ""}`)
        : [],
    ),
  );
}

function expectedPairs(environment: EnvironmentName): string[] {
  const arrows = Object.entries(table[environment]).flatMap(([from, ends]) => ends.map((end) => `${from} -> ${end}`));
  const asking = workloadsOf(manifestsOf(environment)).flatMap(({ name }) => [`${name} -> dns:53`, `${name} -> dns:53/UDP`]);
  return [...arrows, ...asking];
}

describe("who reaches whom", () => {
  it.each(environmentNames)("in %s every arrow of the architecture is let through, and no other", (environment) => {
    const allowed = allowedPairs(environment, policiesOf(environment));
    expect(allowed.sort()).toEqual(expectedPairs(environment).sort());
  });

  it.each(environmentNames)("in %s the table names every pod", (environment) => {
    const names = workloadsOf(manifestsOf(environment)).map(({ name }) => name);
    expect(names.filter((name) => table[environment][name] === undefined)).toEqual([]);
  });

  it("without its policy a pod is closed, both ways", () => {
    const left = policiesOf("dev").filter(({ podSelector }) => podSelector.matchLabels?.["app.kubernetes.io/name"] !== "ranking");
    const allowed = allowedPairs("dev", left).filter((pair) => pair.includes("ranking"));
    expect(allowed.sort()).toEqual(["ranking -> dns:53", "ranking -> dns:53/UDP"]);
  });

  it("without any policy everybody reaches everybody", () => {
    const places = placesOf("dev").filter((place) => "namespace" in place && place.namespace === namespaces.dev);
    const pairs = allowedPairs("dev", []).filter((pair) => pair.startsWith("redis -> ") && !/dns|shop|stranger|address/.test(pair));
    expect(pairs).toHaveLength(places.length * doorsOf("dev").length);
  });
});

describe("the reading of policies", () => {
  const one = pod("one", "here");
  const two = pod("two", "here");
  const far = pod("one", "there");
  const at = (address: string): Place => ({ name: address, address });
  const tcp = (port: number): Door => ({ port, protocol: "TCP" });
  const named = (name: string) => ({ matchLabels: { "app.kubernetes.io/name": name } });
  const base = { namespace: "here", podSelector: named("two") };

  it("a policy of one direction leaves the other open", () => {
    const policies = [{ ...base, policyTypes: ["Ingress"] }];
    expect(isAllowed(policies, one, two, tcp(1))).toBe(false);
    expect(isAllowed(policies, two, one, tcp(1))).toBe(true);
  });

  it("a selector of pods alone means those of the policy's namespace", () => {
    const policies = [{ ...base, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: named("one") }] }] }];
    expect(isAllowed(policies, one, two, tcp(1))).toBe(true);
    expect(isAllowed(policies, far, two, tcp(1))).toBe(false);
  });

  it("blocks of addresses have exceptions, and mean no pods", () => {
    const policies = [
      { ...base, policyTypes: ["Egress"], egress: [{ to: [{ ipBlock: { cidr: "10.1.0.0/16", except: ["10.1.2.0/24"] } }] }] },
    ];
    const reached = ["10.1.3.1", "10.1.2.1", "10.2.0.1"].filter((address) => isAllowed(policies, two, at(address), tcp(1)));
    expect(reached).toEqual(["10.1.3.1"]);
    expect(isAllowed(policies, two, one, tcp(1))).toBe(false);
  });

  it("a rule without ends means all, with its ports and protocols alone", () => {
    const policies = [{ ...base, policyTypes: ["Ingress"], ingress: [{ ports: [{ port: 5, protocol: "TCP" }] }] }];
    expect(isAllowed(policies, far, two, tcp(5))).toBe(true);
    expect(isAllowed(policies, at("1.2.3.4"), two, tcp(5))).toBe(true);
    expect(isAllowed(policies, far, two, tcp(6))).toBe(false);
    expect(isAllowed(policies, far, two, { port: 5, protocol: "UDP" })).toBe(false);
  });
});
