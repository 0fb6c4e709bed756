/** Bearer keys. None configured: open, which is why the process then listens on loopback only. */

import { createHash, timingSafeEqual } from "node:crypto";
import { ModisteError } from "#libs/core/errors.ts";

/** Throws `unauthenticated` unless the header names one of the keys. */
export type Authenticate = (authorization: string | undefined) => void;

export function createAuthentication(keys: readonly string[]): Authenticate {
  if (keys.length === 0) return () => {};
  const digests = keys.map(digest);
  return (authorization) => {
    const given = authorization?.startsWith("Bearer ") === true ? digest(authorization.slice(7)) : undefined;
    if (given === undefined) throw new ModisteError("unauthenticated", "key_missing", "no bearer key was given");
    let known = false;
    for (const accepted of digests) known = timingSafeEqual(accepted, given) || known;
    if (!known) throw new ModisteError("unauthenticated", "key_unknown", "the bearer key is not known");
  };
}

/** Digests have one length, so that comparing takes one time. */
function digest(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
