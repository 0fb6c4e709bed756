/** docs/licences.md: the licences of the packages that images hold, none of them one that asks more than to be named. */

import { imagePlatform, type LockedPackage, productionPackages } from "./packages.ts";

/** As packages write them. What is not here must be read by a person first. */
const allowed: ReadonlySet<string> = new Set([
  "MIT",
  "Apache-2.0",
  "Apache 2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "0BSD",
  "BlueOak-1.0.0",
  "(MIT OR CC0-1.0)",
  "(Apache-2.0 AND BSD-3-Clause)",
]);

/** Packages whose licence is none of those allowed, "name: licence". */
export function refusedLicences(packages: readonly LockedPackage[]): string[] {
  return packages.filter(({ licence }) => !allowed.has(licence)).map(({ name, licence }) => `${name}: ${licence || "none named"}`);
}

/** The document. @throws naming packages whose licence is not on the list. */
export function licenceDocument(root: string): string {
  const packages = productionPackages(root, imagePlatform);
  const refused = refusedLicences(packages);
  if (refused.length > 0) throw new Error(`licences that nobody has allowed (scripts/image/licences.ts): ${refused.join("; ")}`);
  const rows = packages.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  const title =
    "# Licences of the packages in the images\n\nWritten by `npm run generate` from package-lock.json; do not edit. modiste itself: Apache-2.0.";
  const bundled =
    "Each package's own licence file, with the notices of what is built into its binaries, lies beside it in the image; `/app/sbom.cdx.json` is the same list for machines (CycloneDX).";
  return `${title}\n${bundled}\n\n| package | version | licence |\n| --- | --- | --- |\n${[...new Set(rows)].join("\n")}\n`;
}
