/** A device of tests, loaded by the device's process in the place of a real one: the CPU's session, and what the file beside the network commands. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { openOnnxModel } from "#libs/graph/executors/executor.ts";
import type { DeviceModule } from "./messages.ts";

/** `crash` and `hang` at the next run, then what stands behind them; `wrong` at every run; `missing` when the network is opened. */
export type StandInCommand = "crash" | "hang" | "wrong" | "missing";

export const commandFile = (file: string): string => `${file}.command`;

/** Stands still as a driver does: no event is seen any more. */
const hang = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

export const openNetwork: DeviceModule["openNetwork"] = async (_, { file, shapes }) => {
  const commanded = (): string[] => (existsSync(commandFile(file)) ? readFileSync(commandFile(file), "utf8").split(" ") : []);
  if (commanded()[0] === "missing") throw new Error("the stand-in's library is not installed");
  const session = await openOnnxModel(readFileSync(file), { threads: 1, ...shapes });
  return {
    executor: "stand-in",
    run: async (feeds, sizes) => {
      const [command, ...rest] = commanded();
      if (command === "crash" || command === "hang") writeFileSync(commandFile(file), rest.join(" "));
      if (command === "crash") process.kill(process.pid, "SIGSEGV");
      if (command === "hang") hang();
      const outputs = await session.run(feeds, sizes);
      if (command !== "wrong") return outputs;
      return Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, values.map((value) => value + 1)]));
    },
    close: () => session.close(),
  };
};
