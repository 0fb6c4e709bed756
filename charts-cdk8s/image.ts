/** References to images: always with a tag that stays what it is. */

import packageJson from "../package.json" with { type: "json" };
import { type Environment, EnvironmentError } from "./environment.ts";

/** The version of everything in this repository; the tag of its images. */
export const version: string = packageJson.version;

/** Images of others, by names that stay what they are. */
export const images = {
  kafka: "apache/kafka:4.3.1",
  redis: "redis:7.4",
  collector: "otel/opentelemetry-collector-contrib:0.137.0",
  prometheus: "prom/prometheus:v3.5.0",
  grafana: "grafana/grafana:12.2.0",
} as const;

export type OwnImage = "modiste" | "modiste-gpu" | "modiste-dev";

/** Where they run: they hold programs compiled for it. */
export const ownNodes: Readonly<Record<string, string>> = { "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" };

/** @throws EnvironmentError when the tag is missing or names no fixed version. */
export function checkImage(image: string): string {
  const tag = /^(?:.+\/)?[^/:@]+:(\w[\w.-]*)(?:@sha256:[0-9a-f]{64})?$/.exec(image)?.[1];
  if (tag === undefined) throw new EnvironmentError(`image "${image}" has no tag`);
  if (tag === "latest") throw new EnvironmentError(`image "${image}": "latest" is no version; name one`);
  return image;
}

export function ownImage({ registry }: Pick<Environment, "registry">, name: OwnImage): string {
  return checkImage(`${registry === "" ? "" : `${registry}/`}${name}:${version}`);
}
