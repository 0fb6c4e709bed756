/** A shop that runs to be measured, in processes of its own: all services in one, or a process each. */

import { spawn } from "node:child_process";
import { freePorts } from "#libs/testing/free-port.ts";
import { type HttpShop, httpShop, runFleetOf } from "../e2e/running-shop.ts";
import { root } from "./bench.ts";
import { tie } from "./children.ts";

export interface RunningShape {
  readonly shop: HttpShop;
  readonly pids: ReadonlyMap<string, number>;
  readonly stop: () => Promise<void>;
}

/** As `npm start` runs it, in a process of its own, so that the bench's own work does not count. */
export async function startOneProcess(home: string, own: Readonly<Record<string, string>> = {}): Promise<RunningShape> {
  const [http, rpc] = await freePorts(2);
  const { PATH = "", NODE_OPTIONS = "" } = process.env;
  const env = {
    PATH,
    NODE_OPTIONS,
    MODISTE_HOME: home,
    MODISTE_HTTP_PORT: String(http),
    MODISTE_RPC_PORT: String(rpc),
    MODISTE_LOG_LEVEL: "error",
    ...own,
  };
  const child = spawn(process.execPath, ["--import", "tsx", "services/cli/main.ts", "serve"], {
    cwd: root,
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  tie(child);
  const gone = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const shop = httpShop(`http://127.0.0.1:${http}`);
  const ready = (): Promise<boolean> =>
    fetch(`${shop.url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await ready())) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await gone;
  };
  return { shop, pids: new Map([["all", child.pid!]]), stop };
}

export async function startFleet(home: string, own: Readonly<Record<string, string>> = {}): Promise<RunningShape> {
  const fleet = await runFleetOf({ home }, { env: { MODISTE_LOG_LEVEL: "error", ...own } });
  return { shop: fleet, pids: fleet.pids(), stop: () => fleet.stop() };
}
