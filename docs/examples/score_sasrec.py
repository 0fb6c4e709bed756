"""Scores a history with the SASRec part of a modiste release: numpy and onnxruntime, nothing of modiste.

    python3 -m venv venv && venv/bin/pip install numpy onnxruntime
    venv/bin/python docs/examples/score_sasrec.py .modiste/releases/<id> <item id> <item id> ...
    venv/bin/python docs/examples/score_sasrec.py .modiste/releases/<id> --golden

The items are a history, oldest first, one purchase a day; `--golden` compares with the scores that stand in the part.
"""

import argparse
import json
import math
import struct
import sys
from pathlib import Path

import numpy as np
import onnxruntime

PURCHASE = 3
DAY = 86_400


def read_arrays(path):
    """Arrays of a safetensors file by name (`safetensors.numpy.load_file` does the same)."""
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    kinds = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "U32": "<u4", "U8": "u1"}
    arrays = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + at for at in entry["data_offsets"])
            arrays[name] = np.frombuffer(data[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def read_vocabulary(release):
    """External ids in the order of the item vectors."""
    arrays = read_arrays(release / "vocabulary/arrays.safetensors")
    text, offsets = arrays["ids#utf8"].tobytes(), arrays["ids#offsets"]
    return [text[a:b].decode() for a, b in zip(offsets, offsets[1:])]


def gap_bucket(seconds):
    """Doubling minutes; 0 is for the first event of a history."""
    return 1 + min(30, math.floor(math.log2(1 + max(0, seconds) / 60)))


class Sasrec:
    def __init__(self, release):
        part = release / "sasrec"
        self.meta = json.loads((part / "meta.json").read_text())
        arrays = read_arrays(part / "arrays.safetensors")
        self.tables = {name: arrays[name].reshape(shape) for name, shape in self.meta["arrays"].items()}
        self.session = onnxruntime.InferenceSession(str(part / "encoder.onnx"), providers=["CPUExecutionProvider"])

    def state(self, items, times, types):
        """What the network makes of a history, oldest event first; item -1: unknown, the last vector's."""
        if len(items) == 0:
            return self.tables["nobody"][0]
        length = min(len(items), self.meta["settings"]["length"])
        latest = slice(len(items) - length, None)
        rows = self.tables["items"][np.array(items[latest])] + self.tables["positions"][-length:]
        if "types" in self.tables:
            rows = rows + self.tables["types"][np.array(types[latest])]
        if "gaps" in self.tables:
            gaps = [0] + [gap_bucket(after - before) for before, after in zip(times, times[1:])]
            rows = rows + self.tables["gaps"][np.array(gaps[latest])]
        # A position sees itself and what was before it.
        mask = np.triu(np.full((1, length, length), -1e9, np.float32), 1)
        (states,) = self.session.run(["states"], {"rows": rows.astype(np.float32), "mask": mask})
        return states[-1]

    def scores(self, items, times, types):
        """One score for each item of the vocabulary."""
        return self.tables["items"][:-1] @ self.state(items, times, types)


def golden_difference(model):
    """Largest difference from the scores in meta.json, of 1 or of the score where it is larger."""
    most = 0.0
    for golden in model.meta["golden"]:
        scores = model.scores(golden["items"], golden["times"], golden["types"])
        for entry in golden["scores"]:
            most = max(most, abs(scores[entry["item"]] - entry["score"]) / max(1.0, abs(entry["score"])))
    return most


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("release", type=Path, help="folder of a release that was trained with --sasrec")
    words.add_argument("items", nargs="*", help="external ids of a history, oldest first")
    words.add_argument("--golden", action="store_true", help="compare with the golden histories of the part")
    words.add_argument("--top", type=int, default=12)
    given = words.parse_intermixed_args()
    model = Sasrec(given.release)
    if given.golden:
        difference = golden_difference(model)
        print(f"{len(model.meta['golden'])} golden histories, largest difference {difference:.1e}")
        return 0 if difference <= 1e-4 else 1
    ids = read_vocabulary(given.release)
    index = {item: at for at, item in enumerate(ids)}
    history = [index.get(item, -1) for item in given.items]
    scores = model.scores(history, [DAY * at for at in range(len(history))], [PURCHASE] * len(history))
    for item in np.argsort(-scores, kind="stable")[: given.top]:
        print(f"{ids[item]}\t{scores[item]:.6f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
