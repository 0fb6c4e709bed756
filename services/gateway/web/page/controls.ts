/** Visitors to choose from, and the filters. */

import type { Shop } from "./api.ts";
import { byId, h } from "./dom.ts";
import { shortId, type Visitor } from "./visitor.ts";
import { surfaceWords } from "./words.ts";

function fillSelect(id: string, values: readonly string[], words: Readonly<Record<string, string>> = {}): void {
  byId<HTMLSelectElement>(id).append(...values.map((value) => h("option", { value }, words[value] ?? value)));
}

/** Puts what the shop has into the selects; what it lacks is hidden. */
export function fillFilters(shop: Shop): void {
  fillSelect("surface", shop.surfaces, surfaceWords);
  fillSelect("category", shop.categories);
  fillSelect("colour", shop.colours?.values ?? []);
  byId("colour-field").hidden = shop.colours === null;
  byId("price-field").hidden = !shop.priced;
}

/** The chosen filters as the API's query. */
export function filterQuery(shop: Shop): URLSearchParams {
  const query = new URLSearchParams();
  const value = (id: string): string => byId<HTMLInputElement | HTMLSelectElement>(id).value;
  const put = (name: string, text: string): void => {
    if (text !== "") query.append(name, text);
  };
  put("category", value("category"));
  if (shop.colours && value("colour") !== "") put("attribute", `${shop.colours.attribute}:${value("colour")}`);
  put("price_min", value("price-min"));
  put("price_max", value("price-max"));
  return query;
}

export const surface = (): string => byId<HTMLSelectElement>("surface").value;

/** Draws the visitors as buttons; the chosen one is pressed. */
export function showPeople(shop: Shop, chosen: Visitor, choose: (visitor: Visitor | "new") => void): void {
  const person = (pressed: boolean, name: string, detail: string, onclick: () => void): HTMLElement =>
    h(
      "button",
      { type: "button", class: "person", "aria-pressed": pressed ? "true" : "false", onclick },
      h("strong", {}, name),
      h("span", {}, detail),
    );
  const isUser = (id: string): boolean => chosen.kind === "user" && chosen.id === id;
  const users = shop.users.map(({ user_id, label }) =>
    person(isUser(user_id), label, shortId(user_id), () => choose({ kind: "user", id: user_id })),
  );
  const other = chosen.kind === "user" && !shop.users.some(({ user_id }) => isUser(user_id));
  byId("people").replaceChildren(
    person(
      chosen.kind === "session",
      "New visitor",
      chosen.kind === "session" ? "press again for another" : "no history, a fresh session",
      () => choose("new"),
    ),
    ...users,
    ...(other ? [person(true, "Typed in", shortId(chosen.id), () => choose(chosen))] : []),
  );
}
