/** Bus and stores of the fleet: lmdb folders in the home folder, shared between the processes of a machine, or Kafka and Redis where they are set. */

import { join } from "node:path";
import type { EventBus } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { text } from "#libs/config/fields.ts";
import { type ConfigOf, defineConfig } from "#libs/config/schema.ts";
import type { ChangeStore } from "#libs/store/change-store.ts";
import type { CounterStore } from "#libs/store/counter-store.ts";
import { openLmdbChangeStore } from "#libs/store/lmdb-change-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import { kafkaOptions, kafkaSettings } from "./kafka-settings.ts";
import { type RedisOptions, redisOptions, redisSettings } from "./redis-settings.ts";
import type { ServiceContext } from "./service.ts";
import { resourceKey } from "./shared.ts";

export const nearlineSettings = defineConfig({
  ...kafkaSettings,
  state: text("STATE", "folder of the embedded bus and stores; by default state/ inside the home folder", { fallback: "" }),
  ...redisSettings,
});

export interface Stores {
  readonly profiles: ProfileStore;
  readonly counters: CounterStore;
  readonly changes: ChangeStore;
}

interface OpenedStores extends Stores {
  close(): Promise<void>;
}

type NearlineContext = Pick<ServiceContext<ConfigOf<typeof nearlineSettings>>, "shared" | "home" | "config" | "log">;

const busKey = resourceKey<EventBus>("event bus");
const storesKey = resourceKey<OpenedStores>("stores");

/** Folders inside the state folder. */
export const stateFolders = { bus: "bus", profiles: "profiles", counters: "counters", changes: "changes" } as const;

const folderOf = ({ home, config }: NearlineContext): string => (config.state === "" ? join(home, "state") : config.state);

/** Kafka where it is named. It need not be there: each call is refused until it is. */
export function openEventBus(context: NearlineContext): Promise<EventBus> {
  const kafka = kafkaOptions(context.config);
  if (kafka !== null) {
    const open = async (): Promise<EventBus> => (await import("#libs/bus/kafka-bus.ts")).openKafkaBus({ ...kafka, log: context.log });
    return context.shared.open(busKey, open, (bus) => bus.close(), kafka.brokers.join(","));
  }
  const folder = join(folderOf(context), stateFolders.bus);
  return context.shared.open(
    busKey,
    () => openLmdbBus(folder),
    (bus) => bus.close(),
    folder,
  );
}

type OnBroken = (key: string, cause: unknown) => void;

export function openStores(context: NearlineContext): Promise<Stores> {
  const onBroken: OnBroken = (key, err) => {
    context.log.error({ err, key }, "a stored profile cannot be read; it is put aside when its subject is written again");
  };
  const redis = redisOptions(context.config);
  const folder = folderOf(context);
  return context.shared.open(
    storesKey,
    () => (redis === null ? inFolder(folder, onBroken) : overRedis(redis, onBroken)),
    (stores) => stores.close(),
    redis === null ? folder : `${redis.stores.prefix} ${redis.connection.urls.join()}`,
  );
}

function inFolder(folder: string, onBroken: OnBroken): OpenedStores {
  const profiles = openLmdbProfileStore(join(folder, stateFolders.profiles), onBroken);
  const counters = openLmdbCounterStore(join(folder, stateFolders.counters));
  const changes = openLmdbChangeStore(join(folder, stateFolders.changes));
  return {
    profiles,
    counters,
    changes,
    close: async () => {
      await profiles.close();
      await counters.close();
      await changes.close();
    },
  };
}

/** Redis need not be there: each call is refused until it is. */
async function overRedis({ connection, stores }: RedisOptions, onBroken: OnBroken): Promise<OpenedStores> {
  // A shop without Redis does not load its client.
  const { openRedisStores } = await import("#libs/store/redis-stores.ts");
  return openRedisStores(connection, { ...stores, onBroken });
}
