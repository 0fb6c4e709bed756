import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventBusContract } from "#libs/testing/event-bus-contract.ts";
import { openLmdbBus } from "./lmdb-bus.ts";

eventBusContract("lmdb", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modiste-bus-"));
  const bus = openLmdbBus(folder);
  const others: ReturnType<typeof openLmdbBus>[] = [];
  return {
    bus,
    other: async () => {
      const other = openLmdbBus(folder);
      others.push(other);
      return other;
    },
    remove: async () => {
      for (const opened of [bus, ...others]) await opened.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
