import { Command } from "commander";
import { readEnvironment } from "#libs/config/environment.ts";
import { runFleet } from "#libs/serve/spawn.ts";
import { fleet } from "../../fleet.ts";
import { homeFolders, homeOption } from "../home.ts";
import { prepareShop } from "../prepare-shop.ts";

export function fleetCommand(): Command {
  return new Command("fleet")
    .description("run every service as a process of its own, over gRPC; makes a small shop first when there is no release")
    .option(...homeOption)
    .option("--no-restart", "leave a service down that dies")
    .action(async (flags: { home?: string; restart: boolean }) => {
      const folders = homeFolders(flags.home);
      await prepareShop(folders);
      await runFleet(fleet, { env: { ...readEnvironment(), MODISTE_HOME: folders.home }, restart: flags.restart });
    });
}
