/** Who is shopping: a known user, or a new visitor under a session id that this browser tab made. */

export type Visitor = { readonly kind: "user"; readonly id: string } | { readonly kind: "session"; readonly id: string };

const sessionKey = "modiste-session";

/** Works without a secure context, unlike crypto.randomUUID. */
export function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Storage may be forbidden; then every load is a new visitor. */
function stored(): string | null {
  try {
    return sessionStorage.getItem(sessionKey);
  } catch {
    return null;
  }
}

function store(id: string): string {
  try {
    sessionStorage.setItem(sessionKey, id);
  } catch {
    // Forbidden: the id lives as long as the page.
  }
  return id;
}

/** This tab's visitor; `renew` makes another one. */
export function sessionVisitor({ renew = false } = {}): Visitor {
  return { kind: "session", id: (renew ? null : stored()) ?? store(randomId()) };
}

/** As events and profiles name it. */
export const subjectOf = ({ kind, id }: Visitor): string => (kind === "user" ? id : `session:${id}`);

/** The visitor of a link such as "#user=31"; null when the link names none. */
export function linkedVisitor(hash: string): Visitor | null {
  const id = new URLSearchParams(hash.replace(/^#/, "")).get("user");
  return id ? { kind: "user", id } : null;
}

export const linkOf = (visitor: Visitor): string => (visitor.kind === "user" ? `#${new URLSearchParams({ user: visitor.id })}` : "#");

/** Long ids keep both ends. */
export const shortId = (id: string): string => (id.length > 14 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id);
