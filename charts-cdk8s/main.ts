/** `npm run k8s`: writes k8s/ for every environment, or says one of them on stdout. */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import { fleet } from "../services/fleet.ts";
import { EnvironmentError } from "./environment.ts";
import { environmentNamed, environments } from "./environments/index.ts";
import { synthesize, textOf } from "./synth.ts";
import { tiltPlan } from "./tilt.ts";

interface Flags {
  readonly stdout: boolean;
  readonly plan: boolean;
  readonly live: boolean;
  readonly only: readonly string[];
}

async function writeFolder(name: string): Promise<void> {
  const files = synthesize(fleet, environmentNamed(name));
  const folder = join(import.meta.dirname, "..", "k8s", name);
  // What is no part any more must not stay.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [file, manifests] of files) await writeFile(join(folder, file), textOf(manifests));
}

async function run(name: string | undefined, { stdout, plan, live, only }: Flags): Promise<void> {
  if (!stdout && !plan) {
    if (live || only.length > 0) throw new EnvironmentError("--live and --only write no files: they go with --stdout or --plan");
    for (const each of name === undefined ? environments.map((known) => known.name) : [name]) await writeFolder(each);
    return;
  }
  if (name === undefined) throw new EnvironmentError("--stdout and --plan want the name of an environment");
  const environment = { ...environmentNamed(name), live };
  const files = [...synthesize(fleet, environment, only).values()];
  process.stdout.write(plan ? `${JSON.stringify(tiltPlan(fleet, environment, files.flat()))}\n` : files.map(textOf).join("---\n"));
}

const names = (text: string): readonly string[] => text.split(",").filter((name) => name !== "");

const command = new Command("k8s")
  .description("write the manifests of every environment, or of one, into k8s/")
  .argument("[environment]", "its name")
  .option("--stdout", "say the manifests of one environment instead", false)
  .option("--plan", "say groups, ports and order of its workloads instead, as JSON (Tilt)", false)
  .option("--live", "with images that take live updates (Tilt)", false)
  .option("--only <names>", "of the services only these, between commas", names, [])
  .action(run);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof EnvironmentError || error instanceof ModisteError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
