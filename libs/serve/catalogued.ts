/** A source's artifact under one state of the catalogue: which items it may name, and how withdrawn ones stay out of its lists. */

import { type AllowedItems, compileFilter, createFilterCache, evaluateFilter, type ItemFilter, noFilter } from "#libs/catalog/filter.ts";
import { ownRows } from "#libs/models/query.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { LiveArtifact } from "./follow-live.ts";
import type { CandidateSource, Candidates, SourceQuery } from "./source.ts";

export interface CataloguedSource {
  readonly catalog: IndexedCatalog;
  /** Items that the source knows: those of the release, and new ones where it can name them. */
  readonly itemCount: number;
  /** Of what the source knows; null: all. */
  readonly allowed: (filter: ItemFilter) => AllowedItems | null;
  /** The source's list, without what the shop does not list. */
  readonly retrieve: (query: SourceQuery) => Candidates;
}

/**
 * Most lists hold nothing that was withdrawn; one that does is asked for again among what is listed, which costs a source what a wide filter does.
 */
function retrieveListed(
  retrieve: (query: SourceQuery) => Candidates,
  availability: Int8Array | null,
  listed: () => AllowedItems | null,
): (query: SourceQuery) => Candidates {
  return (query) => {
    const found = retrieve(query);
    // A filter leaves out what is not listed.
    if (availability === null || query.allowed !== null || found.items.every((item) => availability[item]! >= 0)) return found;
    return retrieve({ ...query, allowed: listed() });
  };
}

function catalogued(source: CandidateSource<unknown>, artifact: unknown, catalog: IndexedCatalog, itemsReleased: number): CataloguedSource {
  const itemCount = source.extend === undefined ? itemsReleased : catalog.itemCount;
  const extended = source.extend !== undefined && catalog.availability !== null ? source.extend(artifact, catalog) : artifact;
  const cached = createFilterCache(catalog);
  let listed: AllowedItems | null = null;
  return {
    catalog,
    itemCount,
    allowed: (filter) => ownRows(cached(filter), itemCount),
    retrieve: retrieveListed(
      (query) => source.retrieve(extended, query),
      catalog.availability,
      () => (listed ??= ownRows(evaluateFilter(catalog, compileFilter(catalog, noFilter)), itemCount)),
    ),
  };
}

/** Answers the state of the moment; the same object until artifact or catalogue change. */
export function followCatalogued(
  source: CandidateSource<unknown>,
  live: Pick<LiveArtifact<unknown>, "current">,
  released: IndexedCatalog,
  over: (released: IndexedCatalog) => IndexedCatalog,
): () => CataloguedSource {
  let latest = { artifact: live.current(), state: catalogued(source, live.current(), over(released), released.itemCount) };
  return () => {
    const [artifact, catalog] = [live.current(), over(released)];
    if (artifact !== latest.artifact || catalog !== latest.state.catalog)
      latest = { artifact, state: catalogued(source, artifact, catalog, released.itemCount) };
    return latest.state;
  };
}
