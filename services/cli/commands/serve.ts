import { Command } from "commander";
import { runProcess } from "#libs/serve/process.ts";
import { fleet } from "../../fleet.ts";

export function serveCommand(): Command {
  return new Command("serve")
    .description("run services in this process: all of them, or those that are named; settings come from MODISTE_* variables")
    .argument("[services...]", `of ${fleet.map(({ name }) => name).join(", ")}`)
    .action(async (names: string[]) => {
      await runProcess(fleet, names);
    });
}
