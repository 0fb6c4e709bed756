/**
 * Sequences without times, as research data come: a user or session a line (`user item item ...` or `item item ...`), or one `user item` pair a line
 * in time order; one file, or a train and a test file. Position n of a user becomes day n + 1 of 1970 (n from 0), and the test part stands after
 * every train position: `test_from` of dataset.json is the border. With `sessionsPerDay` the lines of an `items` file are sessions in the order in
 * which they began, so many a day, a minute between two items: a time axis for what decays with age and for windows of time. A line of an `items` test file is a user of its own, "test-LINE", with nothing
 * before the border: its last item is what is to be foretold from those before it (the prefixes of SR-GNN's files), every line for itself.
 */
import { invalid } from "#libs/core/errors.ts";
import { type EventType, eventCode } from "#libs/events/event.ts";
import { sqlFile } from "../duck.ts";
import type { DataSetManifest } from "../manifest.ts";
import { type ImportOptions, importDataset } from "./import.ts";
import { stageLines } from "./movielens.ts";
import { describeSources } from "./source-file.ts";

export const sequenceLayouts = ["user-items", "items", "pairs"] as const;
export type SequenceLayout = (typeof sequenceLayouts)[number];

export interface SequencesOptions extends ImportOptions {
  readonly layout: SequenceLayout;
  /** The test part, same layout; a tab counts as a blank. */
  readonly test?: string;
  /** Only for `items`: lines follow each other in time, so many a day. */
  readonly sessionsPerDay?: number;
  /** Type of all events; default purchase. */
  readonly type?: EventType;
}

/** Between two items of a session. */
const secondsPerItem = 60;

/** Imports sequences. A line without an item adds its user and nothing else; in `pairs` a line must have two words. */
export async function importSequences(train: string, options: SequencesOptions): Promise<DataSetManifest> {
  const { layout, test, sessionsPerDay } = options;
  if (sessionsPerDay !== undefined && (layout !== "items" || !(sessionsPerDay > 0)))
    throw invalid("sessionsPerDay", "must be above 0, and goes with layout items only");
  return importDataset(options, async (stage) => {
    let rowsRead = await stageLines(stage, train, "train_lines", "utf-8");
    if (test === undefined) await stage.run("import: test part", "CREATE TABLE test_lines AS SELECT * FROM train_lines WHERE false");
    else rowsRead += await stageLines(stage, test, "test_lines", "utf-8");
    const place = { raw: layout === "items" ? "CASE WHEN part = 0 THEN '' ELSE 'test-' END || source_line::VARCHAR" : "words[1]" };
    const items = { raw: layout === "items" ? "words" : "words[2:]" };
    const wrong = { raw: layout === "pairs" ? "len(words) <> 2" : "len(words) = 0" };
    const step = sessionsPerDay === undefined ? 86_400 : secondsPerItem;
    const trainTime =
      sessionsPerDay === undefined
        ? { raw: "position * 86400" }
        : { raw: `((source_line * 86400) // ${sessionsPerDay}) + (position - 1) * ${secondsPerItem} + 86400` };
    const values = {
      train_time: trainTime,
      step,
      user: place,
      items,
      wrong,
      train,
      test: test ?? "",
      code: eventCode[options.type ?? "purchase"],
    };
    await stage.run("import: sequences", sqlFile("sequences", values));
    const { from } = await stage.duck.row<{ from: number }>("SELECT test_from::DOUBLE AS from FROM border");
    return {
      importer: "sequences",
      itemAttributes: [],
      userAttributes: [],
      mapping: {
        layout,
        time: sessionsPerDay === undefined ? "position in days" : `${sessionsPerDay} lines a day`,
        type: options.type ?? "purchase",
      },
      sources: await describeSources(test === undefined ? [train] : [train, test], stage.signal),
      rowsRead,
      syntheticTimes: true,
      ...(test === undefined ? {} : { testFrom: from }),
    };
  });
}
