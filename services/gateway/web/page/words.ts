/** Words that a shop person reads, for what the API says in its own. */

export const gradeWords: Readonly<Record<string, readonly [string, string]>> = {
  FULL: ["Complete", "Every part answered in time."],
  PARTIAL: ["Partial", "A source is missing, or there was no time to rank everything."],
  UNRANKED: ["Unranked", "The ranker is missing: ordered by what the sources agree on."],
  IMPERSONAL: ["Impersonal", "Nothing could be looked up about this visitor: popular items."],
  STATIC: ["Emergency list", "No source answered: the release's own popular list."],
};

export const knowledgeWords: Readonly<Record<string, string>> = {
  KNOWN: "known",
  UNKNOWN: "unknown",
  SESSION: "this session only",
  UNAVAILABLE: "could not be looked up",
};

export const didWords: Readonly<Record<string, string>> = {
  view: "looked at",
  cart: "put in the basket",
  purchase: "bought",
  like: "liked",
  dislike: "not for me",
  remove: "removed",
};

export const surfaceWords: Readonly<Record<string, string>> = {
  home: "Home page",
  product: "Product page",
  basket: "Basket",
  email: "E-mail",
};

export const filterWords: Readonly<Record<string, string>> = {
  available: "not on sale now",
  requested: "outside your filter",
  seen: "seen before",
  disliked: "disliked",
  hidden: "hidden by a rule",
};

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const prices = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const dateText = (seconds: number): string => dates.format(new Date(seconds * 1000));
export const priceText = (price: number): string => prices.format(price);

/** "0.4 ms", "12 ms". */
export const msText = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

export const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

/** The first letter of a sentence is a capital. */
export const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** "lightgcn:deadline_exceeded" as a person says it. */
export function degradedText(entry: string): string {
  const [part = "", why = ""] = entry.split(":");
  return `${part}: ${why.replace(/_/g, " ")}`;
}
