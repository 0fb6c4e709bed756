import { Command } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { releaseBefore } from "#libs/release/rollback.ts";
import { loadModels } from "../../fleet.ts";
import { verifyRelease } from "../gate/sanity.ts";
import { homeFolders, homeOption, openReleases } from "../home.ts";
import { print, table } from "../terminal.ts";

const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

interface HomeFlags {
  readonly home?: string;
}

const storeOf = ({ home }: HomeFlags) => openReleases(homeFolders(home));

async function listReleases(flags: HomeFlags): Promise<void> {
  const store = storeOf(flags);
  const current = await store.current();
  const rows: string[][] = [["release", "made", "data", "data end", "gate", ""]];
  for (const id of await store.list()) {
    const serves = id === current ? "serves" : "";
    try {
      const { created_seconds, data, promotion } = await store.manifest(id);
      rows.push([id, instant(created_seconds), data.name, instant(data.end_seconds), promotion.decision, serves]);
    } catch (error) {
      // One release that cannot be read must not hide the others.
      if (!(error instanceof ModisteError)) throw error;
      rows.push([id, "", "", "", error.reason, serves]);
    }
  }
  print(rows.length === 1 ? `no releases in ${store.location} yet; run modiste train` : table(rows));
}

/** The decision with its figures, for a person. */
function describeRelease({ id, parent, created_seconds, code_version, data, promotion, metrics, parts }: ReleaseManifest): string {
  const facts = [
    ["release", id],
    ["parent", parent ?? "none"],
    ["made", `${instant(created_seconds)} by modiste ${code_version}`],
    ["data", `${data.name} (${data.fingerprint}), up to ${instant(data.end_seconds)}`],
    ["parts", Object.keys(parts).join(", ")],
    ["gate", promotion.decision],
    ...promotion.reasons.map((reason) => ["", reason]),
    ...Object.entries(metrics).map(([name, { value, low, high }]) => [
      name,
      `${value.toFixed(4)}${low === undefined || high === undefined ? "" : ` (${low.toFixed(4)} to ${high.toFixed(4)})`}`,
    ]),
  ];
  const watched = Object.entries(promotion.watched).map(([name, { candidate, current, difference }]) => [
    name,
    candidate.value.toFixed(4),
    current.value.toFixed(4),
    `${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}`,
    difference.p.toFixed(3),
  ]);
  const comparison = watched.length === 0 ? "" : `\n\n${table([["held-out week", "this", "serving", "difference", "p"], ...watched])}`;
  return table([["", ""], ...facts]).trimStart() + comparison;
}

async function promote(id: string, flags: HomeFlags & { readonly force: boolean }): Promise<void> {
  const store = storeOf(flags);
  if (!flags.force) {
    await verifyRelease(store, id, await loadModels());
    const { decision, reasons } = (await store.manifest(id)).promotion;
    if (decision === "refused") {
      print(`${id} was refused by the gate; --force makes it serve all the same:\n  ${reasons.join("\n  ")}`);
      process.exitCode = 1;
      return;
    }
  }
  await store.promote(id);
  print(`${id} serves now`);
}

async function rollback(flags: HomeFlags): Promise<void> {
  const store = storeOf(flags);
  const before = await releaseBefore(store);
  await verifyRelease(store, before, await loadModels());
  await store.promote(before, "rollback");
  print(`${before} serves again`);
}

export function releasesCommand(): Command {
  const command = new Command("releases").description("list releases, show one, choose the serving one");
  command
    .command("list")
    .description("every release, oldest first")
    .option(...homeOption)
    .action(listReleases);
  command
    .command("show <id>")
    .description("what a release was made of, what the gate measured and decided")
    .option(...homeOption)
    .option("--json", "the whole manifest", false)
    .action(async (id: string, flags: HomeFlags & { readonly json: boolean }) => {
      const manifest = await storeOf(flags).manifest(id);
      print(flags.json ? JSON.stringify(manifest, null, 2) : describeRelease(manifest));
    });
  command
    .command("promote <id>")
    .description("verify a release and make it the serving one; services swap to it without a restart")
    .option(...homeOption)
    .option("--force", "also when the gate or the checks refuse it", false)
    .action(promote);
  command
    .command("rollback")
    .description("make the release that served before serve again")
    .option(...homeOption)
    .action(rollback);
  return command;
}
