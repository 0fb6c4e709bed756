/** Reads all settings of a process at once, from the environment and a JSON file; the environment wins. */

import { readFileSync } from "node:fs";
import { ModisteError } from "#libs/core/errors.ts";
import type { Environment } from "./environment.ts";
import type { Field } from "./fields.ts";
import { type ConfigProblem, ConfigProblems, nearestName } from "./problems.ts";
import { type ConfigOf, type ConfigSchema, fileVariable, serviceWord, variableName, variablePrefix } from "./schema.ts";

/** Schemas by service; the empty name is the process itself, whose settings no service overrides. */
export type ConfigSchemas = Readonly<Record<string, ConfigSchema>>;

export interface ConfigSources {
  readonly env: Environment;
  /** Path of a JSON object of variables; by default what `MODISTE_CONFIG_FILE` names. */
  readonly file?: string | undefined;
  /** Services that may be configured but do not run here; their own variables are passed over. */
  readonly elsewhere?: readonly string[];
}

export interface LoadedConfig<S extends ConfigSchemas = ConfigSchemas> {
  readonly values: { readonly [Service in keyof S]: ConfigOf<S[Service]> };
  /** Every variable with its value in force, secrets as `***`; for the log at start. */
  readonly effective: Readonly<Record<string, unknown>>;
}

/** @throws ConfigProblems listing everything at once: unknown variables, bad values, values out of range, missing ones, an unreadable file. */
export function loadConfig<const S extends ConfigSchemas>(schemas: S, sources: ConfigSources): LoadedConfig<S> {
  const problems: ConfigProblem[] = [];
  const given = collectVariables(sources, problems);
  const values: Record<string, Record<string, unknown>> = {};
  const effective: Record<string, unknown> = {};
  for (const [service, schema] of Object.entries(schemas)) {
    const own: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(schema)) own[key] = readField(field, service, given, effective, problems);
    values[service] = own;
  }
  findUnknown(schemas, sources.elsewhere ?? [], given, problems);
  if (problems.length > 0) throw new ConfigProblems(problems);
  return { values: values as LoadedConfig<S>["values"], effective };
}

/** Variables of the file, then of the environment. An empty value counts as not given, as shells and charts write it. */
function collectVariables({ env, file = env[fileVariable] }: ConfigSources, problems: ConfigProblem[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  const take = (name: string, value: unknown): void => {
    if (name.startsWith(variablePrefix) && name !== fileVariable && value !== undefined && value !== "") given.set(name, asText(value));
  };
  for (const [name, value] of Object.entries(file === undefined || file === "" ? {} : readFile(file, problems))) {
    if (name.startsWith(variablePrefix)) take(name, value);
    else problems.push({ variable: name, message: `unknown in ${file}: names begin with ${variablePrefix}`, doc: "" });
  }
  for (const [name, value] of Object.entries(env)) take(name, value);
  return given;
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(",") : String(value);
}

function readFile(file: string, problems: ConfigProblem[]): Record<string, unknown> {
  try {
    const document: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (typeof document === "object" && document !== null && !Array.isArray(document)) return document as Record<string, unknown>;
    throw new ModisteError("invalid_argument", "config_file", "it must hold one JSON object");
  } catch (error) {
    problems.push({ variable: fileVariable, message: `cannot read ${file}: ${(error as Error).message}`, doc: "JSON object of variables" });
    return {};
  }
}

function readField(
  field: Field<unknown>,
  service: string,
  given: ReadonlyMap<string, string>,
  effective: Record<string, unknown>,
  problems: ConfigProblem[],
): unknown {
  const own = variableName(field, service);
  const shared = variableName(field);
  const variable = given.has(own) ? own : shared;
  const text = given.get(variable);
  if (text === undefined) {
    if (field.required) addOnce(problems, { variable: shared, message: `missing; expected ${field.expects}`, doc: field.doc });
    if (field.fallback !== undefined) effective[shared] = field.secret ? "***" : field.fallback;
    return field.fallback;
  }
  const parsed = field.schema.safeParse(text);
  effective[variable] = field.secret ? "***" : parsed.data;
  if (!parsed.success) {
    const shown = field.secret ? "the value" : JSON.stringify(text);
    addOnce(problems, { variable, message: `${shown} is not ${field.expects}`, doc: field.doc });
  }
  return parsed.data;
}

/** Settings that several services share are wrong once. */
function addOnce(problems: ConfigProblem[], problem: ConfigProblem): void {
  if (!problems.some((known) => known.variable === problem.variable && known.message === problem.message)) problems.push(problem);
}

/**
 * Variables that no schema knows. Where every service runs in this process they are all wrong. Where others run elsewhere, only those
 * are that differ from a known name by two letters at most: the rest may be theirs.
 */
function findUnknown(
  schemas: ConfigSchemas,
  elsewhere: readonly string[],
  given: ReadonlyMap<string, string>,
  problems: ConfigProblem[],
): void {
  const known = new Set<string>();
  for (const [service, schema] of Object.entries(schemas)) {
    for (const field of Object.values(schema)) known.add(variableName(field)).add(variableName(field, service));
  }
  const theirs = elsewhere.map((service) => `${variablePrefix}${serviceWord(service)}_`);
  for (const variable of given.keys()) {
    if (known.has(variable) || theirs.some((prefix) => variable.startsWith(prefix))) continue;
    const nearest = nearestName(variable, known);
    if (elsewhere.length > 0 && (nearest === undefined || nearest.edits > 2)) continue;
    const hint = nearest === undefined ? "" : `; did you mean ${nearest.name}?`;
    problems.push({ variable, message: `unknown variable${hint}`, doc: "" });
  }
}
