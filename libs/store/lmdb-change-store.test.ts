import { changeStoreContract } from "#libs/testing/change-store-contract.ts";
import { lmdbHarness } from "#libs/testing/store-harness.ts";
import { openLmdbChangeStore } from "./lmdb-change-store.ts";

changeStoreContract("lmdb", () => lmdbHarness(openLmdbChangeStore));
