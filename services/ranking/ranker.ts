/** The rankers by name: a recipe names one, a release's part says which wrote it. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { type Ranker, type RankerKind, rankerKinds } from "#libs/serve/ranker.ts";
import { linearRanker } from "./linear.ts";
import { wideDeepRanker } from "./wide-deep/ranker.ts";

/** By the word of a recipe. */
const rankers = { linear: linearRanker, "wide-deep": wideDeepRanker } as Readonly<Record<RankerKind, Ranker<unknown>>>;
/** By the word in a part. */
const written: Readonly<Record<string, Ranker<unknown>>> = { logistic: rankers.linear, "wide-deep": rankers["wide-deep"] };

interface Loaded {
  readonly ranker: Ranker<unknown>;
  readonly artifact: unknown;
}

function chosenBy({ kind = rankerKinds[0], ...own }: Readonly<Record<string, unknown>>, place: string) {
  const known = rankerKinds.find((name) => name === kind);
  if (!known) throw invalid(place, `ranking.kind must be one of ${rankerKinds.join(", ")}`);
  return { chosen: rankers[known], own };
}

/** `settings.kind` chooses (`linear` without); the rest are the chosen ranker's own. */
export const ranker: Ranker<Loaded> = {
  model: ({ ranker: own, artifact }) => own.model(artifact),
  check: (settings, place) => {
    const { chosen, own } = chosenBy(settings, place);
    chosen.check(own, place);
  },
  fit: (context) => {
    const { chosen, own } = chosenBy(context.settings, "settings");
    return chosen.fit({ ...context, settings: own });
  },
  load: async (context) => {
    const { model } = context.part.meta();
    const own = typeof model === "string" ? written[model] : undefined;
    if (!own) {
      const { release, part } = context.part;
      throw new ModisteError(
        "failed_precondition",
        "ranker_unknown",
        `release ${release}, part ${part}: no ranker of this code wrote "${model}"`,
      );
    }
    return { ranker: own, artifact: await own.load(context) };
  },
  follow: async ({ ranker: own, artifact }, view, pace) => ({ ranker: own, artifact: await own.follow(artifact, view, pace) }),
  extend: ({ ranker: own, artifact }, catalog) => ({ ranker: own, artifact: own.extend(artifact, catalog) }),
  score: ({ ranker: own, artifact }, query) => own.score(artifact, query),
  features: ({ ranker: own, artifact }, query, positions) => own.features(artifact, query, positions),
  contributions: ({ ranker: own, artifact }, query, positions) => own.contributions(artifact, query, positions),
  close: ({ ranker: own, artifact }) => own.close(artifact),
  featureHash: ({ ranker: own, artifact }) => own.featureHash(artifact),
};
