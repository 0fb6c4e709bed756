/** Every environment there is; a new one is a file beside this and a line here. */

import { checkEnvironment, type Environment, EnvironmentError } from "../environment.ts";
import { dev } from "./dev.ts";
import { production } from "./production.ts";
import { staging } from "./staging.ts";

export const environments: readonly Environment[] = [dev, staging, production];

/** @throws EnvironmentError naming those there are, or what the environment lacks. */
export function environmentNamed(name: string): Environment {
  const environment = environments.find((known) => known.name === name);
  if (environment !== undefined) return checkEnvironment(environment);
  throw new EnvironmentError(`no environment "${name}"; there are ${environments.map((known) => known.name).join(", ")}`);
}
