import { Command } from "commander";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { homeFolders, homeOption } from "../home.ts";
import { print, table } from "../terminal.ts";

const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

async function listReleases(home: string | undefined): Promise<void> {
  const store = openFolderStore(homeFolders(home).releases);
  const current = await store.current();
  const rows: string[][] = [["release", "made", "data", "data end", "decision", ""]];
  for (const id of await store.list()) {
    const { created_seconds, data, promotion } = await store.manifest(id);
    rows.push([id, instant(created_seconds), data.name, instant(data.end_seconds), promotion.decision, id === current ? "serves" : ""]);
  }
  print(rows.length === 1 ? "no releases yet; run modiste train" : table(rows));
}

export function releasesCommand(): Command {
  const command = new Command("releases").description("list releases, show one, choose the serving one");
  command
    .command("list")
    .description("every release, oldest first")
    .option(...homeOption)
    .action((flags: { home?: string }) => listReleases(flags.home));
  command
    .command("show <id>")
    .description("the manifest of a release")
    .option(...homeOption)
    .action(async (id: string, flags: { home?: string }) => {
      print(JSON.stringify(await openFolderStore(homeFolders(flags.home).releases).manifest(id), null, 2));
    });
  command
    .command("promote <id>")
    .description("make a release the serving one; services swap to it without a restart")
    .option(...homeOption)
    .action(async (id: string, flags: { home?: string }) => {
      await openFolderStore(homeFolders(flags.home).releases).promote(id);
      print(`${id} serves now`);
    });
  return command;
}
