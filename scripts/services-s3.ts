/** A server of S3's protocol on loopback that keeps its buckets in a folder: S3Proxy, which Maven brings once for each version and Java 17 runs. */

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, runToEnd, say, startServer } from "./services-run.ts";

const version = "4.1.0";
const jarName = `s3proxy-${version}-jar-with-dependencies.jar`;

/** Path of the jar. Fetched beside and moved, so that a download which breaks off leaves nothing half. */
async function jarOf(): Promise<string> {
  const root = join(cacheFolder(), "s3proxy");
  const jar = join(root, jarName);
  if (existsSync(jar)) return jar;
  mkdirSync(root, { recursive: true });
  const work = mkdtempSync(join(root, "fetch-"));
  try {
    say(`fetching S3Proxy ${version}`);
    const plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
    const artifact = `org.gaul:s3proxy:${version}:jar:jar-with-dependencies`;
    await runToEnd("mvn", ["-q", "-B", plugin, `-Dartifact=${artifact}`, `-DoutputDirectory=${work}`], work);
    renameSync(join(work, jarName), jar);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return jar;
}

export interface S3Options {
  /** Of its folder. */
  readonly name: string;
  readonly port: number;
  /** Of those who may call. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Resolves when it takes connections. */
export function startS3({ name, port, accessKeyId, secretAccessKey }: S3Options): Promise<void> {
  return startServer({
    name,
    port,
    prepare: async (folder) => {
      const jar = await jarOf();
      const buckets = join(folder, "buckets");
      mkdirSync(buckets);
      const settings = {
        "s3proxy.endpoint": `http://127.0.0.1:${port}`,
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": accessKeyId,
        "s3proxy.credential": secretAccessKey,
        "jclouds.provider": "filesystem-nio2",
        "jclouds.filesystem.basedir": buckets,
      };
      const file = join(folder, "s3proxy.properties");
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
      writeFileSync(file, lines.join(""));
      return ["java", "-Xmx256m", "-XX:+UseSerialGC", "-DLOG_LEVEL=warn", "-jar", jar, "--properties", file];
    },
  });
}
