/** A trace as a small waterfall: one row a span, indented by its depth, a bar where it began and how long it took. */

import { getTrace, type Span } from "./api.ts";
import { h, styled } from "./dom.ts";
import { bar } from "./insight.ts";
import { msText } from "./words.ts";

interface Placed {
  readonly span: Span;
  readonly depth: number;
}

/** Parents before their children, children by their start. A span whose parent is not here stands at the top. */
export function placeSpans(spans: readonly Span[]): Placed[] {
  const ids = new Set(spans.map(({ span_id }) => span_id));
  const children = new Map<string, Span[]>();
  for (const span of [...spans].sort((a, b) => a.start_ms - b.start_ms)) {
    const parent = span.parent_span_id !== null && ids.has(span.parent_span_id) ? span.parent_span_id : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const placed: Placed[] = [];
  const walk = (parent: string, depth: number): void => {
    for (const span of children.get(parent) ?? []) {
      placed.push({ span, depth });
      walk(span.span_id, depth + 1);
    }
  };
  walk("", 0);
  return placed;
}

/** "modiste.pipeline.rank" as "rank"; the call "modiste.v1.Ranker/Rank" as "calls Rank", its answer as "ranking answers". */
function shortName({ name, kind, service }: Span): string {
  const method = name.split("/").at(-1) ?? name;
  if (kind === "client") return `calls ${method}`;
  if (kind === "server") return `${service} answers`;
  return name.replace(/^modiste\.pipeline\./, "");
}

function row({ span, depth }: Placed, beginsMs: number, wholeMs: number): HTMLElement {
  const name = styled(h("span", { class: "span-name", title: `${span.service}: ${span.name}` }, shortName(span)), {
    "--depth": String(depth),
  });
  const kind = span.ok ? `span-${span.kind}` : "failed";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", { class: "bar-cell" }, bar((span.start_ms - beginsMs) / wholeMs, span.duration_ms / wholeMs, kind)),
    h("td", { class: "number" }, msText(span.duration_ms)),
  );
}

function table(spans: readonly Span[]): HTMLElement {
  const beginsMs = Math.min(...spans.map(({ start_ms }) => start_ms));
  const wholeMs = Math.max(0.001, ...spans.map(({ start_ms, duration_ms }) => start_ms + duration_ms - beginsMs));
  const rows = placeSpans(spans).map((placed) => row(placed, beginsMs, wholeMs));
  return h("table", { class: "waterfall" }, h("tbody", {}, ...rows));
}

/** Loads the trace when it is opened. `open` keeps it open over answers; `remember` hears of the choice. */
export function traceDetails(traceId: string, open: boolean, remember: (open: boolean) => void): HTMLElement {
  const content = h("div", { class: "trace-content" });
  const details = h("details", { class: "trace" }, h("summary", {}, "Trace of this request"), content);
  let loaded = false;
  const load = async (): Promise<void> => {
    if (loaded) return;
    loaded = true;
    try {
      const { spans } = await getTrace(traceId);
      content.replaceChildren(table(spans), h("p", { class: "trace-id" }, traceId));
    } catch (error) {
      content.replaceChildren(h("p", { class: "empty" }, error instanceof Error ? error.message : "The trace is gone."));
    }
  };
  details.addEventListener("toggle", () => {
    remember(details.open);
    if (details.open) void load();
  });
  details.open = open;
  return details;
}
