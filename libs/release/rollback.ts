/** Which release served before the present one. */

import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseStore } from "./folder-store.ts";

/**
 * A promotion puts a release on top, a rollback takes the top away: two rollbacks go two releases back. Where no change is noted, the
 * parent of the serving release. Throws `failed_precondition` where nothing served before.
 */
export async function releaseBefore(store: ReleaseStore): Promise<string> {
  const current = await store.current();
  if (current === null) throw new ModisteError("failed_precondition", "release_none", "no release serves: nothing to roll back");
  const stack: string[] = [];
  for (const { release, change } of await store.changes()) {
    if (change === "rollback") stack.pop();
    else if (stack.at(-1) !== release) stack.push(release);
  }
  const before = stack.at(-1) === current ? stack.at(-2) : undefined;
  const chosen = before ?? (await store.manifest(current)).parent;
  if (chosen === null)
    throw new ModisteError("failed_precondition", "release_first", `release ${current} is the first: nothing served before`);
  return chosen;
}
