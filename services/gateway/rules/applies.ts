/** Whether a rule's conditions hold for a request. Pure. */

import type { GatewayQuery } from "../query.ts";
import type { RuleWhen } from "./rule.ts";

const shares = (wanted: readonly string[], given: readonly string[]): boolean => given.some((value) => wanted.includes(value));

/** @param query hydrated: what is known of the user is part of it. */
export function applies(when: RuleWhen, query: GatewayQuery): boolean {
  const { filter, attributes } = query;
  const filtersBy = (name: string, wanted: readonly string[]): boolean =>
    filter.attributes.some(({ attribute, values }) => attribute === name && (wanted.length === 0 || shares(wanted, values)));
  return (
    (when.requests === undefined || when.requests.includes(query.kind)) &&
    (when.surfaces === undefined || (when.surfaces as readonly string[]).includes(query.surface.name)) &&
    (when.categories === undefined || shares(when.categories, filter.categories)) &&
    Object.entries(when.attributes ?? {}).every(([name, wanted]) => filtersBy(name, wanted)) &&
    (when.users === undefined || when.users.includes(query.knowledge)) &&
    Object.entries(when.segment ?? {}).every(([name, wanted]) => wanted.includes(attributes.get(name) ?? "")) &&
    (when.from === undefined || query.nowSeconds >= when.from) &&
    (when.until === undefined || query.nowSeconds < when.until)
  );
}
