/** Where the commands find and put things. */

import { join, resolve } from "node:path";
import { readEnvironment } from "#libs/config/environment.ts";
import { processSettings } from "#libs/serve/settings.ts";

export interface HomeFolders {
  readonly home: string;
  readonly data: string;
  readonly releases: string;
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
    releases: environment.MODISTE_RELEASES ?? join(home, "releases"),
    state: environment.MODISTE_STATE ?? join(home, "state"),
    subjectHashKey: environment.MODISTE_SUBJECT_HASH_KEY ?? processSettings.subjectHashKey.fallback ?? "",
  };
}

export const homeOption = ["--home <folder>", "folder of data sets, releases and state (default: MODISTE_HOME or .modiste)"] as const;

/** A data set by its name inside the home folder, or by its path. */
export function dataSetFolder(folders: HomeFolders, name: string): string {
  return name.includes("/") || name.startsWith(".") ? resolve(name) : join(folders.data, name);
}
