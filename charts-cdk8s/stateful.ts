/** One pod with a disk, found by its name: Kafka and Redis of a development cluster. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { addAccount } from "./account.ts";
import { labelsOf, lastingLabelsOf, type Part, podsNamed, podsOf } from "./labels.ts";
import { container, podSpec, scratch } from "./pod.ts";
import { checksum } from "./settings.ts";

export interface Stateful {
  readonly part: Part;
  readonly port: { readonly name: string; readonly number: number };
  /** Files of `/config`. */
  readonly files: Readonly<Record<string, string>>;
  readonly image: string;
  /** Words that start it; shells are not relied on. */
  readonly command: readonly string[];
  /** Runs to its end before. */
  readonly before?: { readonly name: string; readonly command: readonly string[] };
  readonly resources: k8s.ResourceRequirements;
  readonly dataGiB: number;
  readonly graceSeconds: number;
}

export function addStateful(chart: Chart, stateful: Stateful): void {
  const { part, port, files } = stateful;
  const metadata = { name: part.name, labels: labelsOf(part) };
  new k8s.KubeConfigMap(chart, "config", { metadata, data: { ...files } });
  new k8s.KubeService(chart, "headless", {
    metadata,
    spec: {
      clusterIp: "None",
      selector: podsNamed(part.name),
      ports: [{ name: port.name, port: port.number, targetPort: k8s.IntOrString.fromString(port.name) }],
    },
  });
  new k8s.KubeStatefulSet(chart, "pods", {
    metadata,
    spec: {
      serviceName: part.name,
      replicas: 1,
      revisionHistoryLimit: 5,
      selector: { matchLabels: podsOf(part) },
      template: {
        metadata: { labels: lastingLabelsOf(part), annotations: checksum(files) },
        spec: pods(addAccount(chart, part), stateful),
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data", labels: lastingLabelsOf(part) },
          spec: {
            accessModes: ["ReadWriteOnce"],
            resources: { requests: { storage: k8s.Quantity.fromString(`${stateful.dataGiB}Gi`) } },
          },
        },
      ],
    },
  });
}

function pods(account: string, { part, port, image, command, before, resources, graceSeconds }: Stateful): k8s.PodSpec {
  const volumeMounts = [
    { name: "data", mountPath: "/data" },
    { name: "config", mountPath: "/config", readOnly: true },
    { name: "tmp", mountPath: "/tmp" },
  ];
  const tcpSocket = { port: k8s.IntOrString.fromString(port.name) };
  return podSpec(account, {
    terminationGracePeriodSeconds: graceSeconds,
    ...(before === undefined
      ? {}
      : { initContainers: [container({ name: before.name, image, command: [...before.command], resources, volumeMounts })] }),
    containers: [
      container({
        name: part.name,
        image,
        command: [...command],
        ports: [{ name: port.name, containerPort: port.number }],
        resources,
        startupProbe: { tcpSocket, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 90 },
        readinessProbe: { tcpSocket, periodSeconds: 5, timeoutSeconds: 2 },
        livenessProbe: { tcpSocket, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
        volumeMounts,
      }),
    ],
    volumes: [{ name: "config", configMap: { name: part.name } }, scratch("tmp", "256Mi")],
  });
}
