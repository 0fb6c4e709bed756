/** Which models a document asks for, by name. */

import { invalid } from "#libs/core/errors.ts";
import { sequenceModel } from "../training/sequence.ts";
import { defaultRecipe, type ExperimentDocument, type Recipe } from "./document.ts";
import { baselineModels, pipelineModel, unionModel } from "./models.ts";
import type { ExperimentOptions } from "./options.ts";

export interface NamedModel {
  readonly name: string;
  readonly model: string;
  readonly recipeName: string;
  readonly recipe: Recipe;
}

/** All models of the document, baselines once. Throws `invalid_argument` naming an unknown one. */
export function modelsOf({ document, models }: ExperimentOptions): NamedModel[] {
  const sources = models.sources.map(({ name }) => name);
  const standard: string[] = [...baselineModels, ...sources, unionModel, pipelineModel];
  // Trained for minutes: only where a document names it.
  const known = [...standard, sequenceModel];
  const chosen = document.models ?? standard;
  const unknown = chosen.filter((model) => !known.includes(model));
  if (unknown.length > 0) throw invalid("models", `${unknown.join(", ")}: known are ${known.join(", ")}`, "unknown_model");
  for (const [name, recipe] of Object.entries(document.recipes)) {
    checkSources(`recipes.${name}.sources`, Object.keys(recipe.sources), sources);
    models.ranker.check(recipe.ranking, `recipes.${name}`);
  }
  checkSources(
    "sensitivity",
    document.sensitivity.map(({ source }) => source),
    sources,
  );
  const isBaseline = (model: string): boolean => (baselineModels as readonly string[]).includes(model);
  const baselines = chosen.filter(isBaseline).map((model) => ({ name: model, model, recipeName: "", recipe: defaultRecipe }));
  const others = Object.entries(document.recipes).flatMap(([recipeName, recipe]) =>
    chosen
      .filter((model) => !isBaseline(model))
      .map((model) => ({ name: recipeName === "default" ? model : `${model} (${recipeName})`, model, recipeName, recipe })),
  );
  return [...baselines, ...others];
}

/** Throws `invalid_argument` naming the field and what is unknown. */
export function checkSources(field: string, names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw invalid(field, `${unknown.join(", ")}: known are ${known.join(", ")}`, "unknown_source");
}

/** One value of one setting. */
export interface Probe extends NamedModel {
  readonly source: string;
  readonly setting: string;
  readonly value: string | number;
}

/** The recipes that a document's sensitivity section asks for, each with one source's one setting changed. */
export function sensitivityModels(document: ExperimentDocument): Probe[] {
  const base = Object.values(document.recipes)[0] ?? defaultRecipe;
  return document.sensitivity.flatMap(({ source, setting, values }) =>
    values.map((value) => ({
      name: `${source} ${setting}=${value}`,
      model: source,
      recipeName: "",
      recipe: { ...base, sources: { ...base.sources, [source]: { ...base.sources[source], [setting]: value } } },
      source,
      setting,
      value,
    })),
  );
}
