import { Command } from "commander";
import { invalid } from "#libs/core/errors.ts";
import { homeFolders, homeOption } from "../home.ts";
import { seedProfiles } from "../seed-profiles.ts";
import { print } from "../terminal.ts";

function parseInstant(text: string): number {
  const seconds = Date.parse(text) / 1000;
  if (Number.isNaN(seconds)) throw invalid("--before", `"${text}" is no date; write 2020-09-16 or 2020-09-16T00:00:00Z`);
  return seconds;
}

export function profilesCommand(): Command {
  const command = new Command("profiles").description("the profile store");
  command
    .command("seed")
    .description("write the histories of a data set's users into the profile store")
    .option(...homeOption)
    .requiredOption("--data <name>", "data set: its name inside the home folder, or its path")
    .option("--before <date>", "leave out events from this date on", parseInstant)
    .action(async (flags: { home?: string; data: string; before?: number }) => {
      const count = await seedProfiles(homeFolders(flags.home), flags.data, flags.before);
      print(`${count} profiles written`);
    });
  return command;
}
