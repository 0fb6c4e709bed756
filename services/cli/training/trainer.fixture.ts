/** A trainer that tests kill: fits SASRec on the fixture shop with checkpoints, as `modiste train` does, and prints each step and a digest of the end. */

import { createHash } from "node:crypto";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { openCheckpoints } from "./checkpoints.ts";
import { defaultLabels } from "./label-weeks.ts";
import { fitSequenceModel, sequenceIdentity } from "./sequence.ts";

const { catalog, interactions } = createFixtureShop();

async function runTrainer(file: string): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const options = {
    recipe: { sasrec: { dimensions: 16, feedForward: 32, length: 16, batchRows: 8, epochs: 8, attributes: "all", timeGaps: "input" } },
    labels: defaultLabels,
    data: { fingerprint: "fixture", catalog },
    seed: 3,
    threads: 1,
    progress: ({ done }: { readonly done: number }) => say(`step ${done}`),
    signal: new AbortController().signal,
  };
  const identity = sequenceIdentity(options, interactions);
  const onResume = (step: number): void => say(`after ${step}`);
  const { model, release } = await fitSequenceModel(
    options,
    { train: interactions },
    await openCheckpoints({ file, identity, every: 7, onResume }),
  );
  const hash = createHash("sha256").update(JSON.stringify(model.record));
  for (const values of [...Object.values(model.weights), model.tables.items, model.tables.positions, model.tables.gaps!]) {
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  await release();
  say(`end ${JSON.stringify({ digest: hash.digest("hex"), ...model.record })}`);
}

await runTrainer(process.argv[2] as string);
