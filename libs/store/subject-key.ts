/** The name under which a store holds a subject: without the key of the hash nobody tells whose it is, or was. */

import { createHmac } from "node:crypto";

/** 128 bits: among a hundred million subjects two alike have odds of 1 in 10^22. */
const keyBytes = 16;

/** 22 letters of base64url. */
export function subjectKey(subject: string, hashKey: string): string {
  return createHmac("sha256", hashKey).update(subject).digest().subarray(0, keyBytes).toString("base64url");
}

/** What tells a store of one hash key from that of another (`ProfileStore.claim`). */
export const storeMark = (hashKey: string): string => subjectKey("modiste", hashKey);
