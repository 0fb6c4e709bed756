/** The candidate sources as the table of the fleet has them, so that no test lists or counts them by itself. */

import { type RequestKind, sources } from "../../services/fleet.ts";

/** Names of the sources that are asked for a kind of request, in the table's order. */
export const sourcesFor = (kind: RequestKind): string[] => sources.filter(({ serves }) => serves.includes(kind)).map(({ name }) => name);

export const allSources: readonly string[] = sources.map(({ name }) => name);
