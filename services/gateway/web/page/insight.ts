/** What stands behind an answer: who answered, how long each part took, what is missing. */

import type { Answer, Coverage, Shop } from "./api.ts";
import { h, styled } from "./dom.ts";
import { degradedText, filterWords, gradeWords, knowledgeWords, msText, plural } from "./words.ts";

/** A bar from `start` to `start + length`, both shares of the whole width. */
export function bar(start: number, length: number, kind: string): HTMLElement {
  const fill = styled(h("span", { class: `bar-fill ${kind}` }), {
    "margin-left": `${(100 * start).toFixed(2)}%`,
    width: `max(2px, ${(100 * length).toFixed(2)}%)`,
  });
  return h("span", { class: "bar", "aria-hidden": "true" }, fill);
}

function summary(answer: Answer, seenMs: number): HTMLElement {
  const [word, explained] = gradeWords[answer.grade] ?? [answer.grade, ""];
  const { coverage } = answer;
  const serverMs = coverage.stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const fact = (name: string, value: string): HTMLElement => h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value));
  return h(
    "div",
    {},
    h("p", { class: "grade", "data-grade": answer.grade }, h("strong", {}, word), ` ${explained}`),
    h(
      "dl",
      { class: "facts-list" },
      fact(
        "User",
        `${knowledgeWords[coverage.user] ?? coverage.user}${coverage.events > 0 ? `, ${plural(coverage.events, "event")} used` : ""}`,
      ),
      fact("Time", `${msText(serverMs)} in the pipeline, ${msText(seenMs)} seen here`),
      fact("Sources", `${coverage.answered} of ${coverage.asked} answered`),
      fact("Release", answer.releases.pinned ?? ""),
      coverage.rules.length > 0 ? fact("Rules", coverage.rules.join(", ")) : null,
    ),
  );
}

function degraded({ degraded: entries }: Coverage): HTMLElement | null {
  if (entries.length === 0) return null;
  return h("ul", { class: "degraded", "aria-label": "What is missing" }, ...entries.map((entry) => h("li", {}, degradedText(entry))));
}

const outcomeWords: Readonly<Record<string, string>> = { late: "late", failed: "failed", not_asked: "not asked" };

function sources({ sources: all }: Coverage, hints: Shop["sources"]): HTMLElement {
  const longest = Math.max(1, ...all.map(({ milliseconds }) => milliseconds));
  const rows = all.map(({ source, outcome, candidates, milliseconds }) =>
    h(
      "tr",
      { "data-outcome": outcome },
      h("th", { scope: "row" }, source, h("span", { class: "hint" }, hints[source] ?? "")),
      h("td", { class: "number" }, outcome === "answered" ? candidates : (outcomeWords[outcome] ?? outcome)),
      h("td", { class: "number" }, outcome === "not_asked" ? "" : msText(milliseconds)),
      h("td", { class: "bar-cell" }, outcome === "not_asked" ? null : bar(0, milliseconds / longest, outcome)),
    ),
  );
  const head = h("tr", {}, ...["Service", "Candidates", "Time", ""].map((word) => h("th", { scope: "col" }, word)));
  return h("table", {}, h("caption", {}, "Services that were asked"), h("thead", {}, head), h("tbody", {}, ...rows));
}

/** Stages follow each other: each bar begins where the last one ended. */
function stages({ stages: all }: Coverage): HTMLElement {
  const whole = Math.max(
    0.001,
    all.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  );
  let passed = 0;
  const rows = all.map(({ stage, milliseconds, candidates }) => {
    const start = passed / whole;
    passed += milliseconds;
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, stage),
      h("td", { class: "number" }, candidates > 0 ? candidates : ""),
      h("td", { class: "number" }, msText(milliseconds)),
      h("td", { class: "bar-cell" }, bar(start, milliseconds / whole, "stage")),
    );
  });
  const head = h("tr", {}, ...["Stage", "Left", "Time", ""].map((word) => h("th", { scope: "col" }, word)));
  return h("table", {}, h("caption", {}, "Stages, in order"), h("thead", {}, head), h("tbody", {}, ...rows));
}

function removed({ removed: all }: Coverage): HTMLElement | null {
  if (all.length === 0) return null;
  const text = all.map(({ filter, removed: count }) => `${count} ${filterWords[filter] ?? filter.replace(/_/g, " ")}`).join(", ");
  return h("p", { class: "removed" }, `Left out: ${text}.`);
}

export function showInsight(place: HTMLElement, answer: Answer, seenMs: number, hints: Shop["sources"], trace: HTMLElement): void {
  const { coverage } = answer;
  place.replaceChildren(
    ...[summary(answer, seenMs), degraded(coverage), sources(coverage, hints), stages(coverage), removed(coverage), trace].filter(
      (part) => part !== null,
    ),
  );
}
