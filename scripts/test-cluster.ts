/**
 * `npm run test:cluster`: the manifests of `dev` on a real Kubernetes. Where MODISTE_TEST_KUBECONFIG is set, that cluster, whose nodes hold the images (never KUBECONFIG, which may be a shop's); else one of a single node that the tools
 * in ../shared build (12 to 16 minutes the first time) and start, with images built here. MODISTE_TEST_CLUSTER_RATE: recommendations a second, 100 unless told.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, readEnvironment } from "#libs/config/environment.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const tools = join(root, "../shared/tools");

/** What a command printed; its complaints go to the terminal. */
function output(command: string, words: readonly string[], env: Environment): string {
  const { status, stdout, error } = spawnSync(command, words, { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ${words.join(" ")} ended with ${status}`);
  return stdout.trim();
}

/** The images of dev as the charts name them, from the local engine into the node's. */
function importImages(env: Environment, socket: string): void {
  const { version } = JSON.parse(output("npm", ["pkg", "get", "version", "--json"], env).replace(/^"(.*)"$/, '{"version":"$1"}')) as {
    version: string;
  };
  const images = [`modiste:${version}`, "redis:7.4", "apache/kafka:4.3.1"];
  output("sh", ["-c", `docker save ${images.join(" ")} | ctr -a "$1" -n k8s.io images import - >/dev/null`, "import", socket], env);
}

/** A cluster of this machine, whose node holds the images. Answers what its tests must be told. */
function startCluster(env: Environment): Environment {
  if (!existsSync(tools)) {
    throw new Error(
      `there is no cluster: MODISTE_TEST_KUBECONFIG names none, and ${tools}, which builds one of a single node, is not there`,
    );
  }
  const kubeconfig = output(join(tools, "kube-node-up.sh"), [], env);
  const engine = { ...env, DOCKER_HOST: output(join(tools, "docker-up.sh"), [], env) };
  const base = output(join(tools, "base-image.sh"), ["scratch"], engine);
  output("node", ["--import", "tsx", "tests/docker/stand-ins.ts"], engine);
  output("npm", ["run", "image"], { ...engine, BASE: base });
  importImages(engine, output(join(tools, "kube-node-up.sh"), ["sock"], env));
  const cache = env.MODISTE_CACHE ?? join(homedir(), ".cache/modiste-infra");
  const [kubectl] = output("sh", ["-c", `ls ${cache}/kube/bin-*/kubectl`], env).split("\n");
  return { ...env, KUBECONFIG: kubeconfig, MODISTE_TEST_KUBECTL: kubectl };
}

const environment = readEnvironment();
const { MODISTE_TEST_KUBECONFIG: given } = environment;
const own = given === undefined ? startCluster({ ...environment, KUBECONFIG: undefined }) : { ...environment, KUBECONFIG: given };
const env = { ...own, MODISTE_TEST_CLUSTER: environment.MODISTE_TEST_CLUSTER ?? mkdtempSync(join(tmpdir(), "modiste-volumes-")) };
const tests = spawn("npx", ["vitest", "run", "tests/cluster"], { cwd: root, env, stdio: "inherit" });
tests.once("close", (code) => process.exit(code ?? 1));
