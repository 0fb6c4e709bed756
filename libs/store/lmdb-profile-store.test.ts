import { profileStoreContract } from "#libs/testing/profile-store-contract.ts";
import { lmdbHarness } from "#libs/testing/store-harness.ts";
import { openLmdbProfileStore } from "./lmdb-profile-store.ts";

profileStoreContract("lmdb", () => lmdbHarness(openLmdbProfileStore));
