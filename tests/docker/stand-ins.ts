/**
 * Builds stand-ins of redis:7.4 and apache/kafka into the local engine, under those names, from Debian's redis-server and JRE and Kafka's jars:
 * `node --import tsx tests/docker/stand-ins.ts`. For engines that cannot pull; images that are there already are left alone (`--again` builds anew).
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { jarsOf, kafkaPrograms, newestKafka } from "../../scripts/services-kafka.ts";
import { requirePrograms, runToEnd } from "../../scripts/services-run.ts";
import { addBasics, addLibraries, addProgram, commandPath } from "./root-files.ts";

const images = fileURLToPath(new URL("images", import.meta.url));

/** Parts of a JDK that running needs not, as sizes count. */
const notForRunning = /\/(src\.zip|ct\.sym|jmods|man|include|docs|demo|libawt_xawt\.so|libsplashscreen\.so)$/;

async function redisRoot(root: string): Promise<void> {
  await requirePrograms({ "redis-server": "redis-server" });
  for (const command of ["redis-server", "redis-cli"]) {
    addProgram(root, commandPath(command, "redis-server"), `/usr/local/bin/${command}`);
  }
  addBasics(root, "redis", 999);
}

async function kafkaRoot(root: string): Promise<void> {
  await requirePrograms(kafkaPrograms);
  const home = dirname(dirname(commandPath("java", kafkaPrograms.java)));
  const target = join(root, "usr/lib/jvm/java");
  // Debian keeps `conf` and `lib/security` under /etc and links to them.
  cpSync(home, target, { recursive: true, dereference: true, filter: (path) => !notForRunning.test(path) });
  const libraries = readdirSync(home, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".so") && !notForRunning.test(`/${path}`))
    .map((path) => join(home, path));
  addLibraries(root, [join(home, "bin/java"), ...libraries]);
  cpSync(await jarsOf(newestKafka), join(root, "opt/kafka/libs"), { recursive: true });
  addBasics(root, "appuser", 1000);
}

interface StandIn {
  readonly image: string;
  readonly folder: string;
  readonly fill: (root: string) => Promise<void>;
}

const standIns: readonly StandIn[] = [
  { image: "redis:7.4", folder: "redis", fill: redisRoot },
  { image: `apache/kafka:${newestKafka}`, folder: "kafka", fill: kafkaRoot },
];

const isThere = (image: string): boolean => spawnSync("docker", ["image", "inspect", image], { stdio: "ignore" }).status === 0;

async function build({ image, folder, fill }: StandIn): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), "modiste-stand-in-"));
  try {
    for (const inner of ["root", "empty"]) mkdirSync(join(context, inner));
    await fill(join(context, "root"));
    await runToEnd("docker", ["build", "--quiet", "--file", join(images, folder, "Dockerfile"), "--tag", image, context]);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
  process.stdout.write(`${image} built\n`);
}

/** Those that the engine does not have yet; all with `again`. */
export async function buildStandIns(again = false): Promise<void> {
  for (const standIn of standIns) if (again || !isThere(standIn.image)) await build(standIn);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildStandIns(process.argv.includes("--again"));
