/** What the visitor did, newest first. */

import type { User, UserEvent } from "./api.ts";
import { h } from "./dom.ts";
import { picture } from "./picture.ts";
import { dateText, didWords, plural } from "./words.ts";

/** Events shown before "show all". */
const shortMax = 8;
/** Events shown at all. */
const longMax = 200;

/** Attributes of a person that say something to a shop person. */
function traits({ attributes }: User): string {
  const age = attributes.age ? `${attributes.age} years` : "";
  const others = Object.entries(attributes).filter(
    ([name, value]) => name !== "age" && value.length > 1 && !/^(none|unknown)$/i.test(value),
  );
  return [age, ...others.map(([name, value]) => `${name} ${value.toLowerCase()}`)].filter((word) => word !== "").join(" · ");
}

/** Runs of the same thing on the same day are one row with a count. */
interface Row {
  readonly event: UserEvent;
  readonly count: number;
}

function rowsOf(events: readonly UserEvent[]): Row[] {
  const rows: Row[] = [];
  for (const event of events) {
    const last = rows.at(-1);
    const same =
      last &&
      last.event.item_id === event.item_id &&
      last.event.type === event.type &&
      dateText(last.event.time_seconds) === dateText(event.time_seconds);
    if (same) rows[rows.length - 1] = { event: last.event, count: last.count + 1 };
    else rows.push({ event, count: 1 });
  }
  return rows;
}

function row({ event, count }: Row, fresh: boolean): HTMLElement {
  const did = `${didWords[event.type] ?? event.type}${count > 1 ? ` × ${count}` : ""}`;
  const when = fresh ? "just now" : dateText(event.time_seconds);
  return h(
    "li",
    { class: fresh ? "event is-new" : "event", "data-type": event.type },
    h("span", { class: "thumb" }, picture(event)),
    h(
      "span",
      { class: "event-words" },
      h("span", { class: "event-name" }, event.name || event.item_id),
      h("span", { class: fresh ? "event-facts fresh" : "event-facts" }, `${did} · ${when}`),
    ),
  );
}

/** `freshCount`: how many of the newest events were made on this page. */
export function showHistory(place: HTMLElement, user: User, freshCount: number): void {
  if (user.events.length === 0) {
    const known = user.known
      ? "Known, but has done nothing yet."
      : "Nothing is known yet. Look at, like or buy something, and the next list follows.";
    place.replaceChildren(h("p", { class: "empty" }, known));
    return;
  }
  const rows = rowsOf(user.events.slice(0, longMax));
  const isFresh = ({ event }: Row): boolean => user.events.indexOf(event) < freshCount;
  const list = h("ol", { class: "events" }, ...rows.slice(0, shortMax).map((entry) => row(entry, isFresh(entry))));
  const purchases = user.events.filter(({ type }) => type === "purchase").length;
  const summary = [traits(user), `${plural(user.events.length, "event")}, ${plural(purchases, "purchase")}`]
    .filter((word) => word !== "")
    .join(" · ");
  const more = h("button", { type: "button", class: "quiet", onclick: () => expand() }, `Show all ${rows.length}`);
  const expand = (): void => {
    list.append(...rows.slice(shortMax).map((entry) => row(entry, false)));
    more.remove();
  };
  place.replaceChildren(h("p", { class: "traits" }, summary), list, ...(rows.length > shortMax ? [more] : []));
}
