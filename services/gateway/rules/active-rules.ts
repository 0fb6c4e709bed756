/** The rules that apply to one request, in dense indexes of its release; what the stages read. */

export interface ActivePin {
  readonly rule: string;
  readonly item: number;
  /** Place wanted, from 1. */
  readonly position: number;
}

export interface ActiveBoost {
  readonly rule: string;
  readonly kind: "boosted" | "buried";
  readonly matches: (item: number) => boolean;
  /** Natural logarithm of the factor; negative for "buried". */
  readonly logFactor: number;
}

export interface ActiveRules {
  /** Names in the order of the file. */
  readonly names: readonly string[];
  /** In the order of the file, items of the release only. */
  readonly pins: readonly ActivePin[];
  readonly boosts: readonly ActiveBoost[];
  readonly hides: readonly ((item: number) => boolean)[];
}

export const noRules: ActiveRules = { names: [], pins: [], boosts: [], hides: [] };
