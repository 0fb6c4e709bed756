"""Scores candidates with the ranking part of a modiste release (Wide & Deep): numpy and onnxruntime, nothing of modiste.

    python3 -m venv venv && venv/bin/pip install numpy onnxruntime
    venv/bin/python docs/examples/score_ranker.py .modiste/releases/<id> --golden
    venv/bin/python docs/examples/score_ranker.py .modiste/releases/<id> < rows.jsonl

A line of rows.jsonl is one candidate: `{"features": {"itemcf.score": 0.7, ...}, "categories": {"category": 3, ...}, "wide": 0.0}`. A feature that is missing
counts as 0, a category as unknown; categories are codes in the order of the catalogue's values, `wide` the sum of the weights of the candidate's crosses.
`--golden` compares with the scores that stand in the part. Not for parts that read SASRec's states from `features`: their golden rows hold them.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from score_sasrec import read_arrays

# Standard deviations at which a feature is cut off.
CUT = 8


class Ranker:
    def __init__(self, release):
        part = release / "ranking"
        self.meta = json.loads((part / "meta.json").read_text())
        if "embedded" not in self.meta:
            sys.exit(f"{part}: its model is {self.meta['model']}, not Wide & Deep (train --ranker wide-deep)")
        self.arrays = read_arrays(part / "arrays.safetensors")
        self.session = onnxruntime.InferenceSession(str(part / "ranker.onnx"), providers=["CPUExecutionProvider"])

    def deep(self, features, categories):
        """The network's input for one candidate: features in units of their deviation, then one embedding for each column."""
        raw = np.array([features.get(name, 0.0) for name in self.meta["features"]], np.float32)
        numeric = np.clip((raw - self.arrays["mean"]) * self.arrays["scale"], -CUT, CUT)
        table = self.arrays["embeddings"].reshape(-1, self.meta["settings"]["embedding"])
        rows, start = [], 0
        for column in self.meta["embedded"]:
            # The row after a column's values is the one of unknown values.
            code = categories.get(column["name"], column["size"])
            rows.append(table[start + (code if 0 <= code < column["size"] else column["size"])])
            start += column["size"] + 1
        return np.concatenate([numeric, *rows]).astype(np.float32)

    def scores(self, deep, wide):
        """One score for each row of `deep`, higher is better."""
        (scores,) = self.session.run(["scores"], {"deep": np.asarray(deep, np.float32), "wide": np.asarray(wide, np.float32)})
        return scores


def golden_difference(ranker):
    """Largest difference from the scores in meta.json, of 1 or of the score where it is larger."""
    golden = ranker.meta["golden"]
    expected = np.array([row["score"] for row in golden])
    found = ranker.scores([row["deep"] for row in golden], [row["wide"] for row in golden])
    return float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("release", type=Path, help="folder of a release that was trained with --ranker wide-deep")
    words.add_argument("--golden", action="store_true", help="compare with the golden rows of the part")
    given = words.parse_args()
    ranker = Ranker(given.release)
    if given.golden:
        difference = golden_difference(ranker)
        print(f"{len(ranker.meta['golden'])} golden rows, largest difference {difference:.1e}")
        return 0 if difference <= 1e-4 else 1
    if ranker.meta["sequence_dimensions"] > 0:
        sys.exit("this part reads SASRec's states, which rows of features do not hold")
    rows = [json.loads(line) for line in sys.stdin if line.strip()]
    deep = [ranker.deep(row.get("features", {}), row.get("categories", {})) for row in rows]
    for score in ranker.scores(deep, [row.get("wide", 0.0) for row in rows]):
        print(f"{score:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
