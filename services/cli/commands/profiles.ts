import { join, resolve } from "node:path";
import { Command } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import { profileRecord } from "#libs/store/profile-codec.ts";
import { storeMark, subjectKey } from "#libs/store/subject-key.ts";
import { ProfileRecord } from "#protos/profiles.ts";
import { openArchive } from "../archive/archive-folder.ts";
import { homeFolders, homeOption } from "../home.ts";
import { instantOption } from "../instant-option.ts";
import { nearlineOf } from "../nearline.ts";
import { rebuildProfiles } from "../rebuild-profiles.ts";
import { seedProfiles } from "../seed-profiles.ts";
import { print } from "../terminal.ts";

interface RebuildFlags {
  readonly home?: string;
  readonly data: string;
  readonly before?: number;
  readonly archive?: string;
  readonly state: string;
}

async function rebuild({ home, data, before, archive, state }: RebuildFlags): Promise<void> {
  const folders = homeFolders(home);
  const nearline = nearlineOf({ home: folders.home, state: resolve(state) });
  try {
    const into = await nearline.stores();
    await into.profiles.claim(storeMark(folders.subjectHashKey));
    const { seeded, applied } = await rebuildProfiles({
      folders,
      data,
      before,
      archive: openArchive(archive ?? join(folders.home, "archive")),
      into,
    });
    print(`${seeded} profiles seeded, ${applied} records of the archive applied; the profile service goes on from there with the log`);
  } finally {
    await nearline.close();
  }
}

async function show(subject: string, flags: { home?: string }): Promise<void> {
  const folders = homeFolders(flags.home);
  const nearline = nearlineOf(folders);
  try {
    const { profiles } = await nearline.stores();
    await profiles.claim(storeMark(folders.subjectHashKey));
    const [profile] = await profiles.get([subjectKey(subject, folders.subjectHashKey)]);
    if (!profile) throw new ModisteError("not_found", "unknown_subject", `nothing is held of ${subject}`);
    print(JSON.stringify(ProfileRecord.toJSON(profileRecord(profile)), null, 2));
  } finally {
    await nearline.close();
  }
}

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
  command
    .command("rebuild")
    .description("make empty stores as they would stand now: the seed, then the archive; the profile service follows the log from there")
    .option(...homeOption)
    .requiredOption("--data <name>", "data set that the profiles were seeded from")
    .option("--before <date>", "what `profiles seed --before` was given", instantOption("--before"))
    .option("--archive <folder>", "the archive (default: archive/ in the home folder)")
    .requiredOption(
      "--state <folder>",
      "folder of the new stores, for MODISTE_STATE; with Redis, MODISTE_REDIS_PREFIX names new keys instead",
    )
    .action(rebuild);
  command
    .command("show")
    .description("print all that is held of a user or session:<id>")
    .argument("<subject>")
    .option(...homeOption)
    .action(show);
  return command;
}
