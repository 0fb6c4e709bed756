import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { profileStoreContract } from "#libs/testing/profile-store-contract.ts";
import { openLmdbProfileStore } from "./lmdb-profile-store.ts";

profileStoreContract("lmdb", async () => {
  const folder = await mkdtemp(join(tmpdir(), "modiste-store-"));
  let store = openLmdbProfileStore(folder);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = openLmdbProfileStore(folder);
      return store;
    },
    remove: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
