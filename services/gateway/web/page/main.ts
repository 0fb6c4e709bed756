/** The page: choose who is shopping, see what is recommended and why, act, and see what changes. */

import {
  type Answer,
  ApiError,
  getRecommendations,
  getShop,
  getSimilar,
  getUser,
  type RecommendedItem,
  type Shop,
  sendEvent,
  type User,
} from "./api.ts";
import { fillFilters, filterQuery, showPeople, surface } from "./controls.ts";
import { byId } from "./dom.ts";
import { showHistory } from "./history.ts";
import { showInsight } from "./insight.ts";
import { type Action, showTiles } from "./tiles.ts";
import { linkedVisitor, linkOf, randomId, sessionVisitor, subjectOf, type Visitor } from "./visitor.ts";
import { traceDetails } from "./waterfall.ts";
import { knowledgeWords, plural, sentence } from "./words.ts";

/** Items asked for. */
const itemCount = 12;
/** An accepted event counts within milliseconds; the page looks this often before it goes on without it. */
const looksMax = 30;
const lookMs = 15;

const didTexts: Readonly<Record<Exclude<Action, "similar">, string>> = {
  view: "Looked at",
  purchase: "Bought",
  like: "Liked",
  dislike: "Not for me:",
};

/** What the page shows now. */
interface View {
  visitor: Visitor;
  /** The item that the list is similar to; null for recommendations. */
  similarTo: RecommendedItem | null;
  answer: Answer | null;
  user: User | null;
  /** Events made here since the visitor was chosen. */
  freshEvents: number;
  traceOpen: boolean;
  loading: AbortController | null;
}

function showError(error: unknown): void {
  const place = byId("error");
  place.textContent =
    error instanceof ApiError
      ? error.message
      : `Something went wrong on this page: ${error instanceof Error ? error.message : String(error)}`;
  place.hidden = false;
}

async function runPage(shop: Shop): Promise<void> {
  const view: View = {
    visitor: linkedVisitor(location.hash) ?? (shop.users[0] ? { kind: "user", id: shop.users[0].user_id } : sessionVisitor()),
    similarTo: null,
    answer: null,
    user: null,
    freshEvents: 0,
    traceOpen: false,
    loading: null,
  };

  const ask = (signal: AbortSignal): Promise<Answer> => {
    const query = filterQuery(shop);
    byId("clear").hidden = query.size === 0;
    query.set("n", String(itemCount));
    if (view.similarTo) return getSimilar(view.similarTo.item_id, query, signal);
    query.set(view.visitor.kind === "user" ? "user_id" : "session_id", view.visitor.id);
    query.set("surface", surface());
    return getRecommendations(query, signal);
  };

  const show = (answer: Answer, user: User, seenMs: number, compare: boolean): void => {
    const places = new Map(view.answer?.items.map(({ item_id }, place) => [item_id, place]));
    const before = (id: string): number | null | undefined => (compare && view.answer ? (places.get(id) ?? null) : undefined);
    showTiles(byId("items"), answer.items, before, act);
    showHistory(byId("history"), user, view.freshEvents);
    showInsight(
      byId("insight"),
      answer,
      seenMs,
      shop.sources,
      traceDetails(answer.trace_id, view.traceOpen, (open) => (view.traceOpen = open)),
    );
    showHeading(view, answer);
    view.answer = answer;
    view.user = user;
  };

  /** `compare` marks what is new against the list before; `said` goes before what changed, and how long after `sinceMs` it showed. */
  const reload = async ({ compare = false, said = "", sinceMs = 0 } = {}): Promise<void> => {
    view.loading?.abort();
    const loading = new AbortController();
    view.loading = loading;
    document.body.classList.add("is-loading");
    const started = performance.now();
    try {
      const timed = ask(loading.signal).then((answer) => ({ answer, seenMs: performance.now() - started }));
      const [{ answer, seenMs }, user] = await Promise.all([timed, getUser(subjectOf(view.visitor))]);
      if (loading.signal.aborted) return;
      const old = new Set(view.answer?.items.map(({ item_id }) => item_id));
      const fresh = answer.items.filter(({ item_id }) => !old.has(item_id)).length;
      show(answer, user, seenMs, compare);
      byId("error").hidden = true;
      const changed =
        fresh === 0 ? "The same items stay" : `${plural(fresh, "item")} of ${answer.items.length} ${fresh === 1 ? "is" : "are"} new`;
      byId("status").textContent = said && `${said} ${changed}, ${Math.round(performance.now() - sinceMs)} ms after the click.`;
    } catch (error) {
      if (!loading.signal.aborted) showError(error);
    } finally {
      if (view.loading === loading) document.body.classList.remove("is-loading");
    }
  };

  const choose = (choice: Visitor | "new"): void => {
    const wasSession = view.visitor.kind === "session";
    view.visitor = choice === "new" ? sessionVisitor({ renew: wasSession }) : choice;
    view.similarTo = null;
    view.answer = null;
    view.freshEvents = 0;
    history.replaceState(null, "", linkOf(view.visitor));
    showPeople(shop, view.visitor, choose);
    void reload();
  };

  const act = (action: Action, item: RecommendedItem, position: number): void => {
    if (action === "similar") {
      view.similarTo = item;
      void reload().then(() => byId("items").focus());
    } else void record(action, item, position);
  };

  const record = async (action: Exclude<Action, "similar">, item: RecommendedItem, position: number): Promise<void> => {
    const known = view.user?.events.length ?? 0;
    const sinceMs = performance.now();
    try {
      await sendEvent({
        event_id: randomId(),
        subject: subjectOf(view.visitor),
        item_id: item.item_id,
        type: action,
        value: action === "purchase" ? item.price : 0,
        surface: view.similarTo ? "product" : surface(),
        recommendation_id: view.answer?.recommendation_id ?? "",
        position,
      });
      await untilCounted(subjectOf(view.visitor), item.item_id, action, view.user, known);
      view.freshEvents++;
      await reload({ compare: true, said: `${didTexts[action]} ${item.name || item.item_id}.`, sinceMs });
    } catch (error) {
      showError(error);
    }
  };

  fillFilters(shop);
  showPeople(shop, view.visitor, choose);
  byId("shop").textContent = `${shop.data} · ${shop.items.toLocaleString("en-GB")} items`;
  byId("filters").addEventListener("change", () => void reload({ compare: false }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  // The fields are empty only after the event.
  byId("filters").addEventListener("reset", () => setTimeout(() => void reload(), 0));
  byId("back").addEventListener("click", () => {
    view.similarTo = null;
    void reload().then(() => byId("items").focus());
  });
  byId("other").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId<HTMLInputElement>("user-id").value.trim();
    if (id !== "") choose({ kind: "user", id });
  });
  await reload();
}

function showHeading({ visitor, similarTo }: View, { coverage, items }: Answer): void {
  byId("back").hidden = similarTo === null;
  byId("title").textContent = similarTo
    ? `Similar to ${similarTo.name || similarTo.item_id}`
    : visitor.kind === "user"
      ? "Recommended for this user"
      : "Recommended for a new visitor";
  const basis =
    coverage.user === "KNOWN"
      ? `From ${plural(coverage.events, "event")} of this ${visitor.kind === "user" ? "user" : "visitor"}.`
      : `This visitor is ${knowledgeWords[coverage.user] ?? coverage.user}: popular items.`;
  const empty = items.length === 0 ? " Nothing fits these filters." : "";
  byId("subtitle").textContent = (similarTo ? "What goes with it or is like it." : sentence(basis)) + empty;
}

/** Waits until the profile holds the event, so that the next list follows from it. Gives up silently: the event is durable anyway. */
async function untilCounted(subject: string, item: string, type: string, before: User | null, known: number): Promise<void> {
  const count = (user: User | null): number => user?.events.filter((event) => event.item_id === item && event.type === type).length ?? 0;
  for (let look = 0; look < looksMax; look++) {
    const user = await getUser(subject);
    if (count(user) > count(before) || user.events.length > known) return;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

try {
  await runPage(await getShop());
} catch (error) {
  showError(error);
}
