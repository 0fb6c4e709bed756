/** What no source of the table needs: a source that has nothing to say to seeds passes the contract too, by saying so. */

import { popularity } from "../../services/popularity/source.ts";
import { sourceContract } from "./source-contract.ts";

const withoutSeeds: typeof popularity = {
  ...popularity,
  retrieve: (artifact, query) => popularity.retrieve(artifact, query.seeds.length > 0 ? { ...query, limit: 0 } : query),
};

sourceContract("without similar items", withoutSeeds, { recallMin: 0.2, answersStrangers: true, fillsFilter: true, answersSimilar: false });
