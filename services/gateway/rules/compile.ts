/** Rules against one catalogue: ids and values become dense indexes and codes, once a release. */

import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import { columnNamed } from "#libs/catalog/filter.ts";
import type { IndexedCatalog } from "#libs/release/catalog-part.ts";
import type { GatewayQuery } from "../query.ts";
import type { ActiveBoost, ActivePin, ActiveRules } from "./active-rules.ts";
import { noRules } from "./active-rules.ts";
import { applies } from "./applies.ts";
import type { Rule, RuleWhere } from "./rule.ts";

interface CompiledRule extends Omit<ActiveRules, "names"> {
  readonly rule: Rule;
}

export interface CompiledRules {
  readonly rules: readonly CompiledRule[];
  /** What the catalogue does not have, such as `item "x"`; without doubles. */
  readonly unknown: readonly string[];
}

/** The conditions on columns of one `where`; a column is undefined where the catalogue has none of the name. */
function columnConditions(
  catalog: IndexedCatalog,
  where: RuleWhere,
): { name: string; column: AttributeColumn | undefined; values: readonly string[] }[] {
  const attributes = Object.entries(where.attributes ?? {}).map(([name, values]) => ({ name, column: columnNamed(catalog, name), values }));
  const own = [
    { name: "category", column: catalog.category, values: where.categories },
    { name: "product group", column: catalog.productGroup, values: where.product_groups },
  ];
  return [...own.flatMap(({ values, ...rest }) => (values === undefined ? [] : [{ ...rest, values }])), ...attributes];
}

type Codes = ReadonlyMap<AttributeColumn, ReadonlyMap<string, number>>;

/** Codes of all values that rules name, in one pass over each column that they name: a product group may have tens of thousands of values. */
function codesOf(catalog: IndexedCatalog, wheres: readonly RuleWhere[]): Codes {
  const wanted = new Map<AttributeColumn, Set<string>>();
  for (const { column, values } of wheres.flatMap((where) => columnConditions(catalog, where))) {
    if (!column) continue;
    const held = wanted.get(column) ?? new Set();
    for (const value of values) held.add(value);
    wanted.set(column, held);
  }
  return new Map(
    [...wanted].map(([column, values]) => {
      const codes = new Map<string, number>();
      column.values.forEach((value, code) => {
        if (values.has(value)) codes.set(value, code);
      });
      return [column, codes];
    }),
  );
}

/** Of an attribute that the catalogue does not have: no item has a code. */
const noCodes = new Int32Array(0);

interface Compiler {
  readonly matcher: (where: RuleWhere) => (item: number) => boolean;
  readonly item: (id: string) => number | undefined;
  readonly unknown: ReadonlySet<string>;
}

function createCompiler(catalog: IndexedCatalog, wheres: readonly RuleWhere[]): Compiler {
  const codes = codesOf(catalog, wheres);
  const unknown = new Set<string>();
  const known = <T>(found: T | undefined, what: string): T[] => {
    if (found === undefined) unknown.add(what);
    return found === undefined ? [] : [found];
  };
  const item = (id: string): number | undefined => known(catalog.indexOf.get(id), `item "${id}"`)[0];
  const matcher = (where: RuleWhere): ((candidate: number) => boolean) => {
    const conditions = columnConditions(catalog, where).map(({ name, column, values }) => {
      const accepted = values.flatMap((value) => known(column && codes.get(column)?.get(value), `${name} "${value}"`));
      return { codes: column?.codes ?? noCodes, accepted: new Set(accepted) };
    });
    const items = where.items && new Set(where.items.flatMap((id) => known(catalog.indexOf.get(id), `item "${id}"`)));
    return (candidate) => {
      if (items !== undefined && !items.has(candidate)) return false;
      // Plain loops: asked of every candidate of every answer.
      for (const condition of conditions) if (!condition.accepted.has(condition.codes[candidate]!)) return false;
      return true;
    };
  };
  return { matcher, item, unknown };
}

function compileRule(rule: Rule, { matcher, item }: Compiler): CompiledRule {
  const { name } = rule;
  const pins = rule.pin.flatMap(({ item: id, position }): ActivePin[] => {
    const index = item(id);
    return index === undefined ? [] : [{ rule: name, item: index, position }];
  });
  const boosts: ActiveBoost[] = [
    ...rule.boost.map(({ where, factor }) => ({
      rule: name,
      kind: "boosted" as const,
      matches: matcher(where),
      logFactor: Math.log(factor),
    })),
    ...rule.bury.map(({ where, factor }) => ({
      rule: name,
      kind: "buried" as const,
      matches: matcher(where),
      logFactor: -Math.log(factor),
    })),
  ];
  return { rule, pins, boosts, hides: rule.hide.map(matcher) };
}

export function compileRules(rules: readonly Rule[], catalog: IndexedCatalog): CompiledRules {
  const wheres = rules.flatMap(({ boost, bury, hide }) => [...[...boost, ...bury].map(({ where }) => where), ...hide]);
  const compiler = createCompiler(catalog, wheres);
  const compiled = rules.map((rule) => compileRule(rule, compiler));
  return { rules: compiled, unknown: [...compiler.unknown] };
}

/** The rules whose conditions hold, joined in the order of the file. */
export function activeRules({ rules }: CompiledRules, query: GatewayQuery): ActiveRules {
  const active = rules.filter(({ rule }) => applies(rule.when, query));
  if (active.length === 0) return noRules;
  return {
    names: active.map(({ rule }) => rule.name),
    pins: active.flatMap(({ pins }) => pins),
    boosts: active.flatMap(({ boosts }) => boosts),
    hides: active.flatMap(({ hides }) => hides),
  };
}
