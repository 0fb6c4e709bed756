/** Entry point of the processes that the tests of this folder start: `fixture-main.ts <service> <gateway port> <ranking port> [slow]`. */

import { smallFleet } from "#libs/testing/small-fleet.ts";
import { runProcess } from "./process.ts";

const [service = "", gateway = "0", ranking = "0", mode] = process.argv.slice(2);
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, mode === "slow" ? 300 : 0));
const journal = (event: string): void => void process.stdout.write(`${event}\n`);
const fleet = smallFleet({ ports: { gateway: Number(gateway), ranking: Number(ranking) }, journal, work: pause });

await runProcess(fleet, service === "all" ? [] : [service]);
journal("serving");
