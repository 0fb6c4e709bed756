/** A typed set of settings. */

import type { Field } from "./fields.ts";

export type ConfigSchema = Readonly<Record<string, Field<unknown>>>;

export type ConfigOf<S extends ConfigSchema> = { readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

export const variablePrefix = "MODISTE_";
/** Names the JSON file that settings may also stand in. */
export const fileVariable = "MODISTE_CONFIG_FILE";

export function defineConfig<const S extends ConfigSchema>(schema: S): S {
  return schema;
}

/** "MODISTE_HALF_LIFE_MS", or "MODISTE_ITEMCF_HALF_LIFE_MS" for one service alone. */
export function variableName(field: Field<unknown>, service = ""): string {
  return service === "" ? `${variablePrefix}${field.name}` : `${variablePrefix}${serviceWord(service)}_${field.name}`;
}

export function serviceWord(service: string): string {
  return service.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}
