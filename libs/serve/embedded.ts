/** Bus and profile store of a fleet on one machine: lmdb folders in the home folder, shared between processes. */

import { join } from "node:path";
import type { EventBus } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { text } from "#libs/config/fields.ts";
import { defineConfig } from "#libs/config/schema.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

export const embeddedSettings = defineConfig({
  state: text("STATE", "folder of the embedded bus and profile store; by default state/ inside the home folder", { fallback: "" }),
});

type EmbeddedContext = Pick<ServiceContext<{ readonly state: string }>, "shared" | "home" | "config" | "log">;

const busKey = resourceKey<EventBus>("event bus");
const profilesKey = resourceKey<ProfileStore>("profile store");

/** Folders inside the state folder. */
export const stateFolders = { bus: "bus", profiles: "profiles" } as const;

const folderOf = ({ home, config }: EmbeddedContext): string => (config.state === "" ? join(home, "state") : config.state);

export function openEventBus(context: EmbeddedContext): Promise<EventBus> {
  const folder = join(folderOf(context), stateFolders.bus);
  return context.shared.open(
    busKey,
    () => openLmdbBus(folder),
    (bus) => bus.close(),
    folder,
  );
}

export function openProfileStore(context: EmbeddedContext): Promise<ProfileStore> {
  const folder = join(folderOf(context), stateFolders.profiles);
  const onBroken = (_subject: string, err: unknown): void => {
    context.log.error({ err }, "a stored profile cannot be read; it is put aside when its subject is written again");
  };
  return context.shared.open(
    profilesKey,
    () => openLmdbProfileStore(folder, onBroken),
    (store) => store.close(),
    folder,
  );
}
