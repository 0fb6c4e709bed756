/** The twelve tiles: picture, name, price, why it is here, and what the visitor may do with it. */

import type { RecommendedItem } from "./api.ts";
import { h } from "./dom.ts";
import { type IconName, icon } from "./icons.ts";
import { picture } from "./picture.ts";
import { priceText, sentence } from "./words.ts";

/** What an event is called, or "similar" for more of the kind. */
export type Action = "view" | "purchase" | "like" | "dislike" | "similar";
export type Act = (action: Action, item: RecommendedItem, position: number) => void;

/** Where an item stood in the list before: null when it was not in it, undefined when there was no list. */
export type Before = (itemId: string) => number | null | undefined;

const quietActions: readonly (readonly [Action, IconName, string])[] = [
  ["view", "look", "Look at"],
  ["like", "like", "Like"],
  ["dislike", "dislike", "Not for me"],
  ["similar", "similar", "Similar to"],
];

/** An id stands in for a name that the catalogue does not have. */
const nameOf = ({ name, item_id }: RecommendedItem): string => name || item_id;

function reasons({ reasons: all }: RecommendedItem): HTMLElement | null {
  const [first, ...others] = [...new Set(all.map(({ text }) => text))];
  if (first === undefined) return null;
  const rest = others.length > 0 ? h("span", { class: "also" }, `also ${others.join("; ")}`) : null;
  return h("p", { class: "reasons" }, sentence(first), rest);
}

function movement(position: number, before: number | null | undefined): HTMLElement | null {
  if (before === undefined || before === position) return null;
  if (before === null) return h("span", { class: "moved new" }, "New");
  const places = Math.abs(before - position);
  const up = before > position;
  return h("span", { class: "moved", title: `${places} ${up ? "up" : "down"}` }, `${up ? "↑" : "↓"} ${places}`);
}

function buttons(item: RecommendedItem, position: number, act: Act): HTMLElement {
  const quiet = quietActions.map(([action, name, label]) =>
    h(
      "button",
      {
        type: "button",
        class: "act",
        "data-action": action,
        title: label,
        "aria-label": `${label}: ${nameOf(item)}`,
        onclick: () => act(action, item, position),
      },
      icon(name),
    ),
  );
  const buy = h(
    "button",
    {
      type: "button",
      class: "buy",
      "data-action": "purchase",
      "aria-label": `Buy: ${nameOf(item)}`,
      onclick: () => act("purchase", item, position),
    },
    icon("bag"),
    "Buy",
  );
  return h("div", { class: "acts" }, buy, h("div", { class: "quiet-acts" }, ...quiet));
}

function tile(item: RecommendedItem, position: number, before: number | null | undefined, act: Act): HTMLElement {
  const colour = item.attributes.colour ?? "";
  const facts = [item.category, colour].filter((word) => word !== "").join(" · ");
  return h(
    "li",
    { class: before === null ? "tile is-new" : "tile", "data-item": item.item_id },
    h(
      "div",
      { class: "plate" },
      picture(item),
      h("span", { class: "place", "aria-hidden": "true" }, position + 1),
      movement(position, before),
    ),
    h(
      "div",
      { class: "words" },
      h("h3", {}, nameOf(item)),
      h("p", { class: "facts" }, facts),
      item.price > 0 ? h("p", { class: "price" }, priceText(item.price)) : null,
      reasons(item),
    ),
    buttons(item, position, act),
  );
}

/** Puts the garment's colour on its plate as well, faintly. */
function tint(element: HTMLElement): HTMLElement {
  const plate = element.querySelector<HTMLElement>(".plate");
  const drawing = element.querySelector<SVGElement>(".garment");
  if (plate && drawing) plate.style.setProperty("--garment", drawing.style.getPropertyValue("--garment"));
  return element;
}

export function showTiles(list: HTMLElement, items: readonly RecommendedItem[], before: Before, act: Act): void {
  list.replaceChildren(...items.map((item, position) => tint(tile(item, position, before(item.item_id), act))));
}
