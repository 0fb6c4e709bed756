/**
 * `npm run image [-- runtime dev]`: the images modiste:<version> and modiste-dev:<version> in the local engine, from what is installed here, with no network in the build.
 * BASE in the environment names another base than the Dockerfile's, DOCKER another client.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readEnvironment } from "#libs/config/environment.ts";
import { makeTree, root, type TreeName, treeNames } from "./trees.ts";

const repositories: Readonly<Record<TreeName, string>> = { runtime: "modiste", dev: "modiste-dev" };

function version(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

const revision = (): string => spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();

async function build(name: TreeName): Promise<void> {
  const { BASE, DOCKER = "docker" } = readEnvironment();
  const image = `${repositories[name]}:${version()}`;
  const settings = { VERSION: version(), REVISION: revision(), ...(BASE === undefined ? {} : { BASE }) };
  const words = Object.entries(settings).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  const folder = await makeTree(name);
  const target = ["--target", `${name}-prepared`, "--tag", image];
  const { status } = spawnSync(DOCKER, ["build", "--file", join(root, "Dockerfile"), ...target, ...words, folder], { stdio: "inherit" });
  if (status !== 0) throw new Error(`the build of ${image} ended with ${status}`);
  process.stdout.write(`${image}\n`);
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(treeNames as readonly string[]).includes(name));
if (unknown.length > 0) throw new Error(`there are ${treeNames.join(" and ")}, no ${unknown.join(", ")}`);
for (const name of treeNames) if (wanted.length === 0 || wanted.includes(name)) await build(name);
