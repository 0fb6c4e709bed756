import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { type TrainFlags, withTrainOptions, workOf } from "./train.ts";

/** Settings of a training with these words on the command line. */
function settingsOf(...words: string[]) {
  const command = withTrainOptions(new Command("train")).exitOverride();
  return workOf(command.parse(["--data", "shop", ...words], { from: "user" }).opts<TrainFlags>()).settings;
}

describe("the ranker of a training", () => {
  it("is named by --ranker, by the settings, or by both alike", () => {
    const asked = { ranking: { kind: "wide-deep", epochs: 3 } };
    expect(settingsOf()).toEqual({});
    expect(settingsOf("--ranker", "wide-deep")).toEqual({ ranking: { kind: "wide-deep" } });
    expect(settingsOf("--settings", JSON.stringify(asked))).toEqual(asked);
    expect(settingsOf("--ranker", "wide-deep", "--settings", '{"ranking":{"epochs":3}}')).toEqual(asked);
    expect(settingsOf("--ranker", "wide-deep", "--settings", JSON.stringify(asked))).toEqual(asked);
  });

  it("is refused where the two differ", () => {
    expect(() => settingsOf("--ranker", "linear", "--settings", '{"ranking":{"kind":"wide-deep"}}')).toThrow(
      /--ranker.*is linear.*"wide-deep"/,
    );
  });
});
