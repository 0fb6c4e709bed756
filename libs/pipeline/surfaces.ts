/** Where a list is shown, and what that asks of it. */

import { invalid } from "#libs/core/errors.ts";
import type { ArrangeSettings } from "./arrange.ts";

/**
 * `keep`: items bought before may come back (fashion basics, consumables); `drop_bought`: not what was bought;
 * `drop_touched`: neither what was bought nor what lies in the basket or was looked at. Disliked items never come.
 */
export type SeenPolicy = "keep" | "drop_bought" | "drop_touched";

export interface Surface {
  readonly name: string;
  readonly seen: SeenPolicy;
  readonly arrange: ArrangeSettings;
}

export const surfaceNames = ["home", "product", "basket", "email"] as const;
export type SurfaceName = (typeof surfaceNames)[number];

export const surfaces: Readonly<Record<SurfaceName, Surface>> = {
  home: { name: "home", seen: "keep", arrange: { groupMax: 3, categoryMax: 0, diversity: 0 } },
  product: { name: "product", seen: "drop_bought", arrange: { groupMax: 3, categoryMax: 0, diversity: 0 } },
  basket: { name: "basket", seen: "drop_touched", arrange: { groupMax: 1, categoryMax: 4, diversity: 0.2 } },
  email: { name: "email", seen: "drop_bought", arrange: { groupMax: 1, categoryMax: 3, diversity: 0.2 } },
};

/** Throws `invalid_argument` naming the field; empty is "home". */
export function surfaceOf(name: string): Surface {
  if (name === "") return surfaces.home;
  const found = (surfaces as Readonly<Record<string, Surface>>)[name];
  if (!found || !Object.hasOwn(surfaces, name))
    throw invalid("surface", `"${name.slice(0, 64)}" is none of ${surfaceNames.join(", ")}`, "unknown_surface");
  return found;
}
