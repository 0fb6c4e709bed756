/** Bus and stores as the services have them: by the same settings, from the environment. */

import type { EventBus } from "#libs/bus/bus.ts";
import { readEnvironment } from "#libs/config/environment.ts";
import { loadConfig } from "#libs/config/load.ts";
import { nearlineSettings, openEventBus, openStores, type Stores } from "#libs/serve/nearline.ts";
import { createSharedResources } from "#libs/serve/shared.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { fleet } from "../fleet.ts";
import type { HomeFolders } from "./home.ts";

export interface Nearline {
  readonly bus: () => Promise<EventBus>;
  readonly stores: () => Promise<Stores>;
  close(): Promise<void>;
}

/** Opens nothing before it is asked for. Throws ConfigProblems listing every wrong setting. */
export function nearlineOf({ home, state }: Pick<HomeFolders, "home" | "state">): Nearline {
  // Settings of the services' own are theirs.
  const { values } = loadConfig({ "": nearlineSettings }, { env: readEnvironment(), elsewhere: fleet.map(({ name }) => name) });
  const shared = createSharedResources();
  const context = { home, config: { ...values[""], state }, shared, log: createLogger({ service: "cli", level: "warn" }) };
  return {
    bus: () => openEventBus(context),
    stores: () => openStores(context),
    close: async () => {
      const [failure] = await shared.close();
      if (failure !== undefined) throw failure;
    },
  };
}
