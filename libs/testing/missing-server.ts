/** What stands in a suite's place where the server that it needs is not named or installed. */

import { describe, it } from "vitest";
import { readEnvironment } from "#libs/config/environment.ts";

/** Skipped, with the reason; where CI=true it fails, for nothing that needs a server is left out there. */
export function missingServer(suite: string, missing: string): void {
  describe(suite, () => {
    if (readEnvironment().CI === "true") {
      it("has a server", () => {
        throw new Error(`${missing}, and nothing is skipped in CI`);
      });
    } else it.skip(missing, () => undefined);
  });
}
