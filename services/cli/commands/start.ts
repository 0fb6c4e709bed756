import { Command } from "commander";
import { readEnvironment } from "#libs/config/environment.ts";
import { runProcess } from "#libs/serve/process.ts";
import { fleet } from "../../fleet.ts";
import { type HomeFolders, homeFolders, homeOption, openReleases } from "../home.ts";
import { prepareShop } from "../prepare-shop.ts";
import { print } from "../terminal.ts";

/** A user that the serving release knows; anybody when it names none. */
async function exampleUser(folders: HomeFolders): Promise<string> {
  const store = openReleases(folders);
  const current = await store.current();
  const known = current === null ? [] : (await store.manifest(current)).golden;
  return encodeURIComponent(known[0]?.user_id ?? "anybody");
}

export function startCommand(): Command {
  return new Command("start")
    .description("run everything in one process; makes and trains a small synthetic shop first when there is no release")
    .option(...homeOption)
    .action(async (flags: { home?: string }) => {
      const folders = homeFolders(flags.home);
      await prepareShop(folders);
      const env = { MODISTE_LOG_LEVEL: "warn", ...readEnvironment(), MODISTE_HOME: folders.home };
      const started = await runProcess(fleet, [], { env });
      if (!started) return;
      const { httpHost, httpPort } = started.settings.own("gateway") as { httpHost: string; httpPort: number };
      const address = `http://${httpHost}:${httpPort}`;
      print(`modiste serves: ${address} (page, API in /docs), gRPC on port ${started.ports.get("gateway")}. Ctrl-C stops.`);
      print(`try: curl -s '${address}/v1/recommendations?user_id=${await exampleUser(folders)}&n=3'`);
    });
}
