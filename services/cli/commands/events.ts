import { join } from "node:path";
import { Command } from "commander";
import { topics } from "#libs/bus/bus.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { archiveTables, openArchiveToWrite } from "../archive/archive-folder.ts";
import { forgetErased } from "../archive/forget.ts";
import { archiveTopic } from "../archive/write-archive.ts";
import { type ReplayStart, replayEvents, replayStart } from "../events/replay.ts";
import { sendEvents } from "../events/send.ts";
import { homeFolders, homeOption } from "../home.ts";
import { nearlineOf } from "../nearline.ts";
import { stopSignal } from "../stop-signal.ts";
import { print, remark } from "../terminal.ts";

const gatewayOption = ["--to <url>", "gateway", "http://127.0.0.1:8080"] as const;

async function send(file: string, flags: { to: string; key?: string; rejects?: string }): Promise<void> {
  const { sent, accepted, refused } = await sendEvents({
    file,
    url: flags.to,
    key: flags.key,
    rejects: flags.rejects,
    signal: stopSignal(),
    say: remark,
  });
  print(`${accepted} of ${sent} events accepted`);
  if (refused === 0) return;
  if (flags.rejects !== undefined) print(`${refused} refused lines with their reasons: ${flags.rejects}`);
  process.exitCode = 1;
}

async function replay(flags: { home?: string; from: ReplayStart }): Promise<void> {
  const nearline = nearlineOf(homeFolders(flags.home));
  try {
    const count = await replayEvents(await nearline.bus(), flags.from, (line) => process.stdout.write(`${line}\n`));
    remark(`${count} events of ${topics.events}`);
  } finally {
    await nearline.close();
  }
}

async function archive(flags: { home?: string; out?: string }): Promise<void> {
  const folders = homeFolders(flags.home);
  const folder = openArchiveToWrite(flags.out ?? join(folders.home, "archive"));
  const signal = stopSignal();
  const nearline = nearlineOf(folders);
  try {
    const bus = await nearline.bus();
    for (const name of archiveTables) {
      const { records, unreadable, gaps } = await archiveTopic(bus, folder, name, signal);
      print(`${name}: ${records} records${unreadable > 0 ? `, ${unreadable} of them unreadable and left out` : ""}`);
      for (const gap of gaps) remark(`${name}: the bus had dropped offsets of ${gap} before they were archived: run this more often`);
    }
    const rewritten = await forgetErased(folder, (subject) => subjectKey(subject, folders.subjectHashKey));
    if (rewritten > 0) print(`${rewritten} files rewritten without those who asked to be forgotten`);
  } finally {
    folder.close();
    await nearline.close();
  }
}

export function eventsCommand(): Command {
  const command = new Command("events").description("what subjects did: send it, read it again, archive it");
  command
    .command("send")
    .description("send a file of events, JSON a line, to a gateway; - reads the standard input")
    .argument("<file>")
    .option(...gatewayOption)
    .option("--key <key>", "bearer key")
    .option("--rejects <file>", "where refused lines go, with their reasons")
    .action(send);
  command
    .command("replay")
    .description("print the events of the bus as lines of JSON, which `events send` takes: from an instant, or from an offset on")
    .option(...homeOption)
    .requiredOption("--from <start>", "a date or instant such as 2026-11-20T12:00:00Z, or an offset such as 1200", replayStart)
    .action(replay);
  command
    .command("archive")
    .description("take what is new on the bus, events and records of answers, into Parquet files; forget who asked for it")
    .option(...homeOption)
    .option("--out <folder>", "the archive (default: archive/ in the home folder)")
    .action(archive);
  return command;
}
