import { InvalidArgumentError } from "commander";

/** A parser for an option that takes a whole number of at least `least`. */
export function wholeNumber(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`${option} takes a whole number of ${least} or more.`);
    return value;
  };
}
