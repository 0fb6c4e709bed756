/** What a person asks first about a data set, in figures. */
import type { DataSet } from "./dataset.ts";
import { Duck, sqlFile } from "./duck.ts";

export interface LabelledCount {
  readonly label: string;
  readonly n: number;
}

export interface Description {
  readonly months: readonly LabelledCount[];
  readonly categories: readonly LabelledCount[];
  /** Shares of the interactions that the most popular 1, 5 and 10 % of the items with any have, their Gini, and how many they are. */
  readonly tail: {
    readonly top1: number;
    readonly top5: number;
    readonly top10: number;
    readonly gini: number;
    readonly items_with: number;
    readonly cold_share: number;
  };
  readonly users: {
    /** Quantiles 10, 25, 50, 75, 90 and 99 % of interactions a user, and of a user's interactions of one day. */
    readonly history: readonly number[];
    readonly basket: readonly number[];
    readonly history_mean: number;
    readonly basket_mean: number;
    readonly users_with: number;
    /** Share of (user, item) pairs on more than one day; share of interactions that repeat a pair. */
    readonly repeated_pairs: number;
    readonly repeat_share: number;
  };
}

type UserRow = Omit<Description["users"], "history" | "basket"> & { history: string; basket: string };

/** Reads the Parquet files once a question; about a second a million interactions. */
export async function describeDataset(dataSet: DataSet): Promise<Description> {
  const duck = await Duck.open({ memoryLimitMb: 3000 });
  try {
    const files = { interactions: dataSet.file("interactions"), items: dataSet.file("items") };
    const users = await duck.row<UserRow>(sqlFile("describe-users", files));
    return {
      months: await duck.rows<LabelledCount>(sqlFile("describe-months", files)),
      categories: await duck.rows<LabelledCount>(sqlFile("describe-categories", files)),
      tail: await duck.row<Description["tail"]>(sqlFile("describe-tail", files)),
      users: { ...users, history: numbers(users.history), basket: numbers(users.basket) },
    };
  } finally {
    duck.close();
  }
}

function numbers(list: string): number[] {
  return JSON.parse(list) as number[];
}
