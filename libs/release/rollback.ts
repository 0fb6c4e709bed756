/** Which release served before the present one. */

import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseChange, ReleaseStore } from "./store.ts";

/** What served, oldest below: promotions put on top, rollbacks take away. Lines that were noted but not made are left out. */
function servedStack(changes: readonly ReleaseChange[], current: string): string[] {
  const stack: string[] = [];
  const settle = (serving: string | null): void => {
    while (stack.length > 0 && stack.at(-1) !== serving) stack.pop();
    if (stack.length === 0 && serving !== null) stack.push(serving);
  };
  changes.forEach(({ release, change, from }, i) => {
    const after = i + 1 < changes.length ? changes[i + 1]!.from : current;
    if (after !== release) return;
    settle(from);
    if (change === "rollback") settle(release);
    else if (release !== from) stack.push(release);
  });
  settle(current);
  return stack;
}

/**
 * A promotion puts a release on top, a rollback takes the top away: two rollbacks go two releases back. Where no change is noted, the
 * parent of the serving release. Throws `failed_precondition` where nothing served before.
 */
export async function releaseBefore(store: ReleaseStore): Promise<string> {
  const current = await store.current();
  if (current === null) throw new ModisteError("failed_precondition", "release_none", "no release serves: nothing to roll back");
  const before = servedStack(await store.changes(), current).at(-2);
  const chosen = before ?? (await store.manifest(current)).parent;
  if (chosen === null)
    throw new ModisteError("failed_precondition", "release_first", `release ${current} is the first: nothing served before`);
  return chosen;
}
