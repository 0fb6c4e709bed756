/** `npm run k8s`: writes k8s/ for every environment, or says one on stdout. */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { fleet } from "../services/fleet.ts";
import { EnvironmentError } from "./environment.ts";
import { environmentNamed, environments } from "./environments/index.ts";
import { synthesize } from "./synth.ts";

interface Flags {
  readonly stdout?: boolean;
  readonly live?: boolean;
}

async function writeFolder(name: string): Promise<void> {
  const files = synthesize(fleet, environmentNamed(name));
  const folder = join(import.meta.dirname, "..", "k8s", name);
  // What is no part any more must not stay.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [file, text] of files) await writeFile(join(folder, file), text);
}

async function run(name: string | undefined, { stdout, live }: Flags): Promise<void> {
  if (stdout !== true) {
    if (live === true) throw new EnvironmentError("--live writes no files: it goes with --stdout");
    for (const each of name === undefined ? environments.map((known) => known.name) : [name]) await writeFolder(each);
    return;
  }
  if (name === undefined) throw new EnvironmentError("--stdout wants the name of an environment");
  const files = synthesize(fleet, { ...environmentNamed(name), live: live === true });
  process.stdout.write([...files.values()].join("---\n"));
}

const command = new Command("k8s")
  .description("write the manifests of every environment, or of one, into k8s/")
  .argument("[environment]", "its name")
  .option("--stdout", "say the manifests of one environment instead")
  .option("--live", "with images that take live updates (Tilt)")
  .action(run);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
