import { Command } from "commander";
import { homeFolders, homeOption } from "../home.ts";
import { instantOption } from "../instant-option.ts";
import { seedProfiles } from "../seed-profiles.ts";
import { print } from "../terminal.ts";

export function profilesCommand(): Command {
  const command = new Command("profiles").description("the profile store");
  command
    .command("seed")
    .description("write the histories of a data set's users into the profile store")
    .option(...homeOption)
    .requiredOption("--data <name>", "data set: its name inside the home folder, or its path")
    .option("--before <date>", "leave out events from this date on", instantOption("--before"))
    .action(async (flags: { home?: string; data: string; before?: number }) => {
      const count = await seedProfiles(homeFolders(flags.home), flags.data, flags.before);
      print(`${count} profiles written`);
    });
  return command;
}
