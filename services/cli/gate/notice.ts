/** Tells a webhook what training does, in the JSON that Slack and its likes read. */

import { readEnvironment } from "#libs/config/environment.ts";
import { invalid } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import { formatSeconds } from "../terminal.ts";

/** Never throws: a webhook that is down must not stop a training. Answers what went wrong, null when nothing did. */
export type Notice = (text: string) => Promise<string | null>;

const patienceMs = 5000;

/** To `MODISTE_NOTICE_URL`; without one nothing is sent. Throws `invalid_argument` for an address that is none. */
export function createNotice(url: string | undefined = readEnvironment().MODISTE_NOTICE_URL): Notice {
  if (url === undefined || url === "") return async () => null;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw invalid("MODISTE_NOTICE_URL", "must be an address of http or https");
  return async (text) => {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ text }),
        signal: AbortSignal.timeout(patienceMs),
      });
      return response.ok ? null : `the webhook answered ${response.status}`;
    } catch (cause) {
      // The address is a secret; the cause names it in some versions of Node.
      return `the webhook could not be reached (${(cause as Error).name})`;
    }
  };
}

const words: Readonly<Record<ReleaseManifest["promotion"]["decision"], string>> = {
  first: "is the first",
  passed: "passed the gate",
  refused: "was REFUSED",
  unchecked: "was not compared",
};

/** One line for people: what was decided, on which figure, why. */
export function describeDecision({ id, data, promotion }: ReleaseManifest, seconds: number): string {
  const [first] = Object.entries(promotion.watched);
  const figure = first ? `; ${first[0]} ${first[1].candidate.value.toFixed(4)} against ${first[1].current.value.toFixed(4)}` : "";
  const reasons = promotion.reasons.length > 0 ? `: ${promotion.reasons.join("; ")}` : "";
  return `modiste: release ${id} of ${data.name} ${words[promotion.decision]}${figure}, after ${formatSeconds(seconds)}${reasons}`;
}
