import { counterStoreContract } from "#libs/testing/counter-store-contract.ts";
import { lmdbHarness } from "#libs/testing/store-harness.ts";
import { openLmdbCounterStore } from "./lmdb-counter-store.ts";

counterStoreContract("lmdb", () => lmdbHarness(openLmdbCounterStore));
