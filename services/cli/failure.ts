/** How a command ends that could not do its work. */

import { CommanderError } from "commander";
import { ConfigProblems } from "#libs/config/problems.ts";
import { codeTraits, ModisteError } from "#libs/core/errors.ts";

export interface Failure {
  readonly text: string;
  /** 0: help or version was asked for. 1: the work failed. 2: the command or the configuration was wrong. */
  readonly code: 0 | 1 | 2;
}

/** One line for what people can mend; the stack for what they cannot. */
export function explainFailure(error: unknown): Failure {
  // Commander has said it already.
  if (error instanceof CommanderError) return { text: "", code: error.exitCode === 0 ? 0 : 2 };
  if (error instanceof ConfigProblems) return { text: error.message, code: 2 };
  if (!(error instanceof ModisteError)) return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), code: 1 };
  const { blame } = codeTraits[error.code];
  const cause = error.cause instanceof Error ? `\n  because: ${error.cause.message}` : "";
  if (error.code === "internal") return { text: `${error.stack}${cause}`, code: 1 };
  return { text: `modiste: ${error.detail}${cause}`, code: blame === "caller" && error.code === "invalid_argument" ? 2 : 1 };
}
