import { invalid } from "#libs/core/errors.ts";

/** A parser for an option that takes a date; answers seconds since 1970 UTC. */
export function instantOption(option: string): (text: string) => number {
  return (text) => {
    const seconds = Date.parse(text) / 1000;
    if (Number.isNaN(seconds)) throw invalid(option, `"${text}" is no date; write 2020-09-16 or 2020-09-16T00:00:00Z`);
    return seconds;
  };
}
