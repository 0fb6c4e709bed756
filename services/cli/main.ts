/** The command `modiste`. */

import { Command } from "commander";
import { explainFailure } from "./failure.ts";
import { checkOwnPlatform } from "./platform.ts";
import { modisteVersion } from "./version.ts";

/** A command that leaves ending the process to us, so that a wrong call ends with 2. */
function throwing(command: Command): Command {
  command.exitOverride();
  for (const inner of command.commands) throwing(inner);
  return command;
}

/** Sub-commands are imported when they are called: `modiste --help` loads none of them. */
async function createProgram(): Promise<Command> {
  const program = new Command("modiste")
    .description("A recommender for shops: import purchases, train, serve.")
    .version(modisteVersion())
    .showHelpAfterError("(add --help for the options)")
    .exitOverride()
    .configureHelp({ sortSubcommands: false });
  const { importCommand } = await import("./commands/import.ts");
  const { synthCommand } = await import("./commands/synth.ts");
  const { describeCommand } = await import("./commands/describe.ts");
  const { trainCommand } = await import("./commands/train.ts");
  const { retrainCommand } = await import("./commands/retrain.ts");
  const { evaluateCommand } = await import("./commands/evaluate.ts");
  const { experimentCommand } = await import("./commands/experiment.ts");
  const { tuneCommand } = await import("./commands/tune.ts");
  const { profilesCommand } = await import("./commands/profiles.ts");
  const { eventsCommand } = await import("./commands/events.ts");
  const { reportCommand } = await import("./commands/report.ts");
  const { releasesCommand } = await import("./commands/releases.ts");
  const { skewCommand } = await import("./commands/skew.ts");
  const { startCommand } = await import("./commands/start.ts");
  const { prepareCommand } = await import("./commands/prepare.ts");
  const { serveCommand } = await import("./commands/serve.ts");
  const { fleetCommand } = await import("./commands/fleet.ts");
  const commands = [
    importCommand,
    synthCommand,
    describeCommand,
    trainCommand,
    retrainCommand,
    evaluateCommand,
    experimentCommand,
    tuneCommand,
    profilesCommand,
    eventsCommand,
    reportCommand,
    releasesCommand,
    skewCommand,
    startCommand,
    prepareCommand,
    serveCommand,
    fleetCommand,
  ];
  for (const command of commands) program.addCommand(throwing(command()));
  return program;
}

try {
  checkOwnPlatform();
  await (await createProgram()).parseAsync();
} catch (error) {
  const { text, code } = explainFailure(error);
  if (text !== "") process.stderr.write(`${text}\n`);
  process.exit(code);
}
