/** Nothing is let in or out but the arrows of the architecture, and questions of names. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { type Arrow, arrowsOf, type End } from "./arrows.ts";
import type { Environment, Peer } from "./environment.ts";
import { labelsOf, podsNamed } from "./labels.ts";

const metadataOf = (name: string): k8s.ObjectMeta => ({ name, labels: labelsOf({ name, component: "policy" }) });

export function addPolicies(chart: Chart, fleet: readonly FleetRow[], environment: Environment): void {
  new k8s.KubeNetworkPolicy(chart, "deny", {
    metadata: metadataOf("default-deny"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  });
  addNames(chart);
  const arrows = arrowsOf(fleet, environment);
  const names = new Set(arrows.flatMap(({ from, to }) => [from, to].filter((end) => typeof end === "string")));
  for (const name of [...names].sort()) addPolicy(chart, arrows, name);
}

/** DNS of the cluster, for all. */
function addNames(chart: Chart): void {
  const port = k8s.IntOrString.fromNumber(53);
  new k8s.KubeNetworkPolicy(chart, "dns", {
    metadata: metadataOf("dns"),
    spec: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        {
          to: [peerOf({ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } })],
          ports: ["UDP", "TCP"].map((protocol) => ({ port, protocol })),
        },
      ],
    },
  });
}

function addPolicy(chart: Chart, arrows: readonly Arrow[], name: string): void {
  const ingress = rulesOf(arrows.filter(({ to }) => to === name).map(({ from: end, port }) => ({ end, port })));
  const egress = rulesOf(arrows.filter(({ from }) => from === name).map(({ to: end, port }) => ({ end, port })));
  new k8s.KubeNetworkPolicy(chart, `policy-${name}`, {
    metadata: metadataOf(name),
    spec: {
      podSelector: { matchLabels: podsNamed(name) },
      policyTypes: ["Ingress", "Egress"],
      ...(ingress.length === 0
        ? {}
        : { ingress: ingress.map(({ peers, ports }) => ({ ...(peers === "anyone" ? {} : { from: peers }), ports })) }),
      ...(egress.length === 0
        ? {}
        : { egress: egress.map(({ peers, ports }) => ({ ...(peers === "anyone" ? {} : { to: peers }), ports })) }),
    },
  });
}

interface Rule {
  readonly peers: "anyone" | k8s.NetworkPolicyPeer[];
  readonly ports: k8s.NetworkPolicyPort[];
}

/** Ends that go the same ports share a rule. */
function rulesOf(arrows: readonly { readonly end: End; readonly port: number }[]): Rule[] {
  const portsByEnd = new Map<string, { readonly end: End; readonly ports: Set<number> }>();
  for (const { end, port } of arrows) {
    const key = JSON.stringify(end);
    const known = portsByEnd.get(key) ?? { end, ports: new Set() };
    portsByEnd.set(key, { end, ports: known.ports.add(port) });
  }
  const rules = new Map<string, Rule>();
  for (const { end, ports } of portsByEnd.values()) {
    const sorted = [...ports].sort((a, b) => a - b);
    const peers = peersOf(end);
    const key = peers === "anyone" ? "anyone" : sorted.join();
    const known = rules.get(key)?.peers ?? [];
    const both = peers === "anyone" || known === "anyone" ? "anyone" : [...known, ...peers];
    rules.set(key, { peers: both, ports: sorted.map((port) => ({ port: k8s.IntOrString.fromNumber(port), protocol: "TCP" })) });
  }
  return [...rules.values()];
}

function peersOf(end: End): Rule["peers"] {
  if (typeof end === "string") return [{ podSelector: { matchLabels: podsNamed(end) } }];
  return end.beyond === "anyone" ? "anyone" : end.beyond.map(peerOf);
}

function peerOf(peer: Peer): k8s.NetworkPolicyPeer {
  if ("cidr" in peer) return { ipBlock: { cidr: peer.cidr } };
  const { namespace, labels } = peer;
  return {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    ...(labels === undefined ? {} : { podSelector: { matchLabels: labels } }),
  };
}
