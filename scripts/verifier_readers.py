"""See that other tools read a benchmark; runs in Marabou's environment, and needs nothing of ours.

Usage: python scripts/verifier_readers.py DIR

onnx.checker and ONNX Runtime read every network, the parser ``vnnlib`` every question, and
``instances.csv`` names the pairs of ``truth.csv``. At every counterexample ONNX Runtime's output
must be beyond the threshold if weights are float64; in float32 it depends on the order of sums, and
is only counted. Prints one line.
"""

import csv
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

PACKAGES = ("onnx", "onnxruntime", "vnnlib")
ELEMENTS = {"tensor(double)": "float64", "tensor(float)": "float32"}


def sessions(folder, names):
    """Return ONNX Runtime's sessions by the names of the networks, which onnx.checker accepts."""
    for name in names:
        onnx.checker.check_model(f"{folder / name}", full_check=True)
    return {name: onnxruntime.InferenceSession(folder / name) for name in names}


def box(file):
    """Return low, high, and the sign and threshold of a question: sign · Y_0 ≤ threshold."""
    from vnnlib.compat import read_vnnlib_simple

    [(inputs, [(matrix, right)])] = read_vnnlib_simple(f"{file}", 1, 1)
    [[low, high]], [[sign]], [[threshold]] = inputs, np.asarray(matrix), np.atleast_2d(right)
    return low, high, sign, threshold


def seen(line, folder, session):
    """Return whether a counterexample is one as computed; fail if a question is not the truth's."""
    low, high, sign, threshold = box(folder / line["vnnlib"])
    side = -1 if line["sense"] == "max" else 1
    asked = [float(line[name]) for name in ("low", "high", "threshold")]
    assert [low, high, side * threshold, sign] == [*asked, side], line["vnnlib"]
    if not line["counterexample"]:
        return False
    element = ELEMENTS[session.get_inputs()[0].type]
    x = np.array([[float(line["counterexample"])]], element)
    y = float(session.run(None, {"x": x})[0][0, 0])
    beyond = side * y <= side * asked[2]
    assert beyond or element == "float32", (line["vnnlib"], y)
    return beyond


def main(folder):
    """Read everything, and say what was read."""
    warnings.simplefilter("ignore")  # that −1 is not strictly SMT-LIB; the competitions write it
    with (folder / "truth.csv").open(newline="") as stream:
        truth = list(csv.DictReader(stream))
    with (folder / "instances.csv").open(newline="") as stream:
        pairs = [tuple(line[:2]) for line in csv.reader(stream)]
    assert pairs == [(line["onnx"], line["vnnlib"]) for line in truth], "instances.csv"
    networks = sessions(folder, dict.fromkeys(line["onnx"] for line in truth))
    shown = sum(seen(line, folder, networks[line["onnx"]]) for line in truth)
    points = sum(bool(line["counterexample"]) for line in truth)
    tools = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(
        f"{len(networks)} networks and {len(truth)} questions are read by {tools}; "
        f"at {shown} of {points} counterexamples ONNX Runtime's output is beyond the threshold."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
