import { Command } from "commander";
import { spawnFleet } from "#libs/serve/spawn.ts";
import { fleet } from "../../fleet.ts";
import { homeFolders, homeOption } from "../home.ts";
import { prepareShop } from "../prepare-shop.ts";
import { stopSignal } from "../stop-signal.ts";
import { print } from "../terminal.ts";

export function fleetCommand(): Command {
  return new Command("fleet")
    .description("run every service as a process of its own, over gRPC; makes a small shop first when there is no release")
    .option(...homeOption)
    .option("--no-restart", "leave a service down that dies")
    .action(async (flags: { home?: string; restart: boolean }) => {
      const folders = homeFolders(flags.home);
      await prepareShop(folders);
      const stop = stopSignal();
      const running = spawnFleet(fleet, { env: { ...process.env, MODISTE_HOME: folders.home }, restart: flags.restart });
      stop.addEventListener("abort", () => void running.stop().then(() => process.exit(0)), { once: true });
      await running.ready;
      print("the fleet serves; see the gateway's line above for its address");
    });
}
