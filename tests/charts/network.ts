/** What NetworkPolicies let through, by the words of the API: selected pods are closed in the named direction but for what some rule allows; both ends must agree. */

type Labels = Readonly<Record<string, string>>;

/** A pod anywhere, or an address outside the cluster. */
export type Place =
  | { readonly name: string; readonly namespace: string; readonly labels: Labels }
  | { readonly name: string; readonly address: string };

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly unknown[];
}

interface PeerJson {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

interface PortJson {
  readonly port?: number;
  readonly protocol?: string;
}

export interface PolicyJson {
  readonly namespace: string;
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly { readonly from?: readonly PeerJson[]; readonly ports?: readonly PortJson[] }[];
  readonly egress?: readonly { readonly to?: readonly PeerJson[]; readonly ports?: readonly PortJson[] }[];
}

export interface Door {
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  if (matchExpressions.length > 0) throw new Error("expressions of selectors are not read here");
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

const bits = (address: string): number => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

function inBlock(address: string, cidr: string): boolean {
  const [network = "", length = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(length));
  return Math.floor(bits(address) / size) === Math.floor(bits(network) / size);
}

function isPeer(peer: PeerJson, policyNamespace: string, place: Place): boolean {
  if (peer.ipBlock !== undefined) {
    const { cidr, except = [] } = peer.ipBlock;
    return "address" in place && inBlock(place.address, cidr) && !except.some((block) => inBlock(place.address, block));
  }
  if ("address" in place) return false;
  const isNamespace =
    peer.namespaceSelector === undefined
      ? place.namespace === policyNamespace
      : selects(peer.namespaceSelector, { "kubernetes.io/metadata.name": place.namespace });
  return isNamespace && (peer.podSelector === undefined || selects(peer.podSelector, place.labels));
}

const isDoor = (ports: readonly PortJson[] | undefined, door: Door): boolean =>
  ports === undefined ||
  ports.some(({ port, protocol = "TCP" }) => protocol === door.protocol && (port === undefined || port === door.port));

interface Rule {
  readonly peers: readonly PeerJson[] | undefined;
  readonly ports: readonly PortJson[] | undefined;
}

/** Whether one side agrees. */
function agrees(policies: readonly PolicyJson[], type: "Ingress" | "Egress", self: Place, other: Place, door: Door): boolean {
  if ("address" in self) return true;
  const own = policies.filter(
    ({ namespace, podSelector, policyTypes }) =>
      namespace === self.namespace && policyTypes.includes(type) && selects(podSelector, self.labels),
  );
  const rulesOf = ({ ingress = [], egress = [] }: PolicyJson): readonly Rule[] =>
    type === "Ingress" ? ingress.map(({ from, ports }) => ({ peers: from, ports })) : egress.map(({ to, ports }) => ({ peers: to, ports }));
  const lets = (policy: PolicyJson): boolean =>
    rulesOf(policy).some(
      ({ peers, ports }) => isDoor(ports, door) && (peers === undefined || peers.some((peer) => isPeer(peer, policy.namespace, other))),
    );
  return own.length === 0 || own.some(lets);
}

export function isAllowed(policies: readonly PolicyJson[], from: Place, to: Place, door: Door): boolean {
  return agrees(policies, "Egress", from, to, door) && agrees(policies, "Ingress", to, from, door);
}
