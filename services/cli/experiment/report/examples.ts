/** A few cases side by side: what the user took before, what each model listed, what was taken then. */

import { escapeHtml } from "../../html.ts";
import type { Executed } from "../execute.ts";
import type { Example } from "../run.ts";

const listMax = 12;

function itemWords({ data: { catalog } }: Executed["result"], item: number): string {
  const { names, ids, attributes } = catalog;
  const colour = attributes.find(({ name }) => name.includes("colour"));
  const extra = colour && colour.codes[item]! >= 0 ? `, ${colour.values[colour.codes[item]!]}` : "";
  return escapeHtml(names[item] === "" ? ids[item]! : `${names[item]}${extra}`);
}

function exampleHtml(result: Executed["result"], { user, nowSeconds, recent, taken, lists }: Example): string {
  const hits = new Set(taken);
  const words = (items: readonly number[]): string => items.map((item) => `<li>${itemWords(result, item)}</li>`).join("");
  const marked = (items: readonly number[]): string =>
    items
      .slice(0, listMax)
      .map((item) => `<li>${hits.has(item) ? `<span class="hit">${itemWords(result, item)}</span>` : itemWords(result, item)}</li>`)
      .join("");
  const made = [...lists].map(([model, items]) => {
    const found = items.slice(0, listMax).filter((item) => hits.has(item)).length;
    return `<details${found > 0 ? " open" : ""}><summary>${escapeHtml(model)}: ${found} of ${hits.size} found</summary><ol>${marked(items)}</ol></details>`;
  });
  const day = new Date(nowSeconds * 1000).toISOString().slice(0, 10);
  return `<div class="example"><h3>${escapeHtml(result.data.users.ids[user]!.slice(0, 16))}, ${day}</h3>
<b>took before, latest first</b><ol>${recent.length === 0 ? "<li>nothing</li>" : words(recent)}</ol>
<b>took then</b><ol>${words(taken.slice(0, listMax))}</ol>${made.join("\n")}</div>`;
}

export function examplesSection({ result }: Executed): string {
  if (result.examples.length === 0) return "";
  return `<div class="examples">${result.examples.map((example) => exampleHtml(result, example)).join("\n")}</div>`;
}
