/** Where the commands find and put things. */

import { join, resolve } from "node:path";
import { readEnvironment } from "#libs/config/environment.ts";
import { loadConfig } from "#libs/config/load.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { openConfiguredStore, releaseStoreSettings } from "#libs/serve/release-settings.ts";
import { processSettings } from "#libs/serve/settings.ts";
import { fleet } from "../fleet.ts";

export interface HomeFolders {
  readonly home: string;
  readonly data: string;
  readonly state: string;
  /** MODISTE_SUBJECT_HASH_KEY: what the stores' keys are made with. */
  readonly subjectHashKey: string;
}

/** `--home`, else MODISTE_HOME, else .modiste in the current folder. */
export function homeFolders(option: string | undefined): HomeFolders {
  const environment = readEnvironment();
  const home = resolve(option ?? environment.MODISTE_HOME ?? ".modiste");
  return {
    home,
    data: join(home, "data"),
    state: environment.MODISTE_STATE ?? join(home, "state"),
    subjectHashKey: environment.MODISTE_SUBJECT_HASH_KEY ?? processSettings.subjectHashKey.fallback ?? "",
  };
}

/** Where MODISTE_RELEASES says, else in the home folder. Throws ConfigProblems where its settings are wrong; asks nothing of the store yet. */
export function openReleases({ home }: Pick<HomeFolders, "home">): ReleaseStore {
  const { values } = loadConfig({ "": releaseStoreSettings }, { env: readEnvironment(), elsewhere: fleet.map(({ name }) => name) });
  return openConfiguredStore(values[""], home);
}

export const homeOption = ["--home <folder>", "folder of data sets, releases and state (default: MODISTE_HOME or .modiste)"] as const;

/** A data set by its name inside the home folder, or by its path. */
export function dataSetFolder(folders: HomeFolders, name: string): string {
  return name.includes("/") || name.startsWith(".") ? resolve(name) : join(folders.data, name);
}
