/** The whole fleet in this process on a shop of its own, for tests. */

import { PassThrough } from "node:stream";
import { type StartedServices, type StartOptions, startServices } from "#libs/serve/start.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { fleet } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "./shop.ts";

export interface TestFleet {
  readonly shop: TestShop;
  readonly services: StartedServices;
  /** "http://127.0.0.1:<port>". */
  readonly url: string;
  /** Log lines of all services at warn and above, parsed. */
  readonly logged: readonly Record<string, unknown>[];
  close(): Promise<void>;
}

/** Starts every service over a copy of the small shop; `env` goes over the settings of the copy. */
export async function startTestFleet({ env = {}, ...options }: StartOptions = {}): Promise<TestFleet> {
  const shop = await openTestShop();
  const logged: Record<string, unknown>[] = [];
  const destination = new PassThrough().on("data", (line: Buffer) => logged.push(JSON.parse(line.toString()) as Record<string, unknown>));
  try {
    const [port] = await freePorts(1);
    const services = await startServices(fleet, [], {
      log: (service) => createLogger({ service, level: "warn", destination }),
      ...options,
      env: { ...shop.env, MODISTE_HTTP_PORT: String(port), ...env },
    });
    const close = async (): Promise<void> => {
      await services.close();
      await shop.remove();
    };
    return { shop, services, url: `http://127.0.0.1:${port}`, logged, close };
  } catch (error) {
    await shop.remove();
    throw error;
  }
}
