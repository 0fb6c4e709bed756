/** Where releases lie, and how this machine gets at them. */

import { choice, form, millis, secret, text, url } from "#libs/config/fields.ts";
import { ConfigProblems } from "#libs/config/problems.ts";
import { type ConfigOf, defineConfig, variableName } from "#libs/config/schema.ts";
import { isReleaseLocation, locationForms, openReleaseStore } from "#libs/release/open-store.ts";
import type { ReleaseStore } from "#libs/release/store.ts";

/** What services and commands need to open the store of releases. Relative paths start from the working folder. */
export const releaseStoreSettings = defineConfig({
  releases: form("RELEASES", "where releases lie; by default releases/ inside the home folder", locationForms, isReleaseLocation, {
    fallback: "",
  }),
  releaseCache: text("RELEASE_CACHE", "folder for parts of releases in S3; by default release-cache/ inside the home folder", {
    fallback: "",
  }),
  s3Endpoint: url("S3_ENDPOINT", "server that speaks S3, where it is not Amazon's", { schemes: ["http:", "https:"], fallback: undefined }),
  s3Region: text("S3_REGION", "region of the bucket; by default what Amazon's SDK finds, with an endpoint us-east-1", {
    fallback: undefined,
  }),
  s3AccessKeyId: secret("S3_ACCESS_KEY_ID", "access key of S3; none: what Amazon's SDK finds, such as a workload identity", {
    fallback: undefined,
  }),
  s3SecretAccessKey: secret("S3_SECRET_ACCESS_KEY", "secret of the access key of S3", { fallback: undefined }),
});

/** Settings of every service that serves from releases. */
export const releaseSettings = defineConfig({
  ...releaseStoreSettings,
  releaseLookMs: millis("RELEASE_LOOK_MS", "pause between two looks for a new release; by default 500 for a folder, 5000 for S3", {
    min: 50,
    max: 3_600_000,
    fallback: undefined,
  }),
  clock: choice(
    "CLOCK",
    "auto: a release of historic data answers for the end of its data; wall: always the wall clock",
    ["auto", "wall"],
    { fallback: "auto" },
  ),
});

export type ReleaseStoreConfig = ConfigOf<typeof releaseStoreSettings>;

/** A key without its secret would be passed over in silence, and other credentials taken. */
function credentialsOf({ s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey }: ReleaseStoreConfig) {
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  if (accessKeyId === secretAccessKey) return undefined;
  const missing = accessKeyId === undefined ? releaseStoreSettings.s3AccessKeyId : releaseStoreSettings.s3SecretAccessKey;
  throw new ConfigProblems([
    { variable: variableName(missing), message: "missing; the other half of the pair is given", doc: missing.doc },
  ]);
}

export function releaseLocation({ releases }: Pick<ReleaseStoreConfig, "releases">, home: string): string {
  return releases === "" ? `${home}/releases` : releases;
}

/** Asks nothing of the store yet. @throws ConfigProblems */
export function openConfiguredStore(config: ReleaseStoreConfig, home: string): ReleaseStore {
  return openReleaseStore({
    location: releaseLocation(config, home),
    s3: { endpoint: config.s3Endpoint, region: config.s3Region, credentials: credentialsOf(config) },
    cacheFolder: config.releaseCache === "" ? `${home}/release-cache` : config.releaseCache,
  });
}
