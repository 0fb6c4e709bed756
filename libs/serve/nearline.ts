/** Bus and stores of the fleet: lmdb folders in the home folder, shared between the processes of a machine, or Kafka and Redis where they are set. */

import { join } from "node:path";
import type { EventBus } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { text } from "#libs/config/fields.ts";
import { defineConfig } from "#libs/config/schema.ts";
import type { CounterStore } from "#libs/store/counter-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

export const nearlineSettings = defineConfig({
  state: text("STATE", "folder of the embedded bus and stores; by default state/ inside the home folder", { fallback: "" }),
});

export interface Stores {
  readonly profiles: ProfileStore;
  readonly counters: CounterStore;
}

type NearlineContext = Pick<ServiceContext<{ readonly state: string }>, "shared" | "home" | "config" | "log">;

const busKey = resourceKey<EventBus>("event bus");
const storesKey = resourceKey<Stores>("stores");

/** Folders inside the state folder. */
export const stateFolders = { bus: "bus", profiles: "profiles", counters: "counters" } as const;

const folderOf = ({ home, config }: NearlineContext): string => (config.state === "" ? join(home, "state") : config.state);

export function openEventBus(context: NearlineContext): Promise<EventBus> {
  const folder = join(folderOf(context), stateFolders.bus);
  return context.shared.open(
    busKey,
    () => openLmdbBus(folder),
    (bus) => bus.close(),
    folder,
  );
}

export function openStores(context: NearlineContext): Promise<Stores> {
  const folder = folderOf(context);
  const onBroken = (key: string, err: unknown): void => {
    context.log.error({ err, key }, "a stored profile cannot be read; it is put aside when its subject is written again");
  };
  return context.shared.open(
    storesKey,
    () => ({
      profiles: openLmdbProfileStore(join(folder, stateFolders.profiles), onBroken),
      counters: openLmdbCounterStore(join(folder, stateFolders.counters)),
    }),
    async ({ profiles, counters }) => {
      await profiles.close();
      await counters.close();
    },
    folder,
  );
}
