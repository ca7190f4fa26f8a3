import json
import math
import re
import sys
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import onnx
import pytest
from graphs import ABSOLUTE, sin_network
from models import model, node, tensor

from sinrelu.certify import prover
from sinrelu.cli import run
from sinrelu.constructions import build
from sinrelu.evaluate import evaluate_float64
from sinrelu.formats import load, save
from sinrelu.network import Network, Row
from sinrelu.target import Target

SUFFIXES = (".npz", ".json", ".onnx")


@pytest.mark.parametrize("first", SUFFIXES)
@pytest.mark.parametrize("second", SUFFIXES)
def test_all_formats_both_ways(tmp_path, capsys, first, second):
    save(ABSOLUTE, tmp_path / f"a{first}")
    assert run(["convert", str(tmp_path / f"a{first}"), str(tmp_path / f"b{second}")]) == 0
    assert load(tmp_path / f"b{second}") == ABSOLUTE
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].endswith(ABSOLUTE.sha256)
    assert err == ""


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_the_sin_network_once_around(tmp_path, wiring):
    network = sin_network(wiring)
    save(network, tmp_path / "a.npz")
    for source, target in ("a.npz", "b.onnx"), ("b.onnx", "c.json"), ("c.json", "a.npz"):
        assert run(["convert", str(tmp_path / source), str(tmp_path / target)]) == 0
    assert load(tmp_path / "a.npz").sha256 == network.sha256


def fails(arguments, capsys) -> str:
    """Run a command that must fail in one line, and return the line."""
    assert run([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_mistakes_are_one_line_and_write_nothing(tmp_path, capsys):
    source, target = tmp_path / "a.npz", tmp_path / "b.json"
    assert "No such file" in fails(["convert", source, target], capsys)
    save(ABSOLUTE, source)
    assert "unknown suffix" in fails(["convert", source, tmp_path / "b.txt"], capsys)
    assert "No such file" in fails(["convert", source, tmp_path / "c" / "b.json"], capsys)
    source.write_bytes(b"nonsense")
    assert "a.npz: not a readable .npz archive" in fails(["convert", source, target], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz"]


def test_a_foreign_model_is_refused_by_node(tmp_path, capsys):
    save(ABSOLUTE, tmp_path / "a.onnx")
    model = onnx.load(tmp_path / "a.onnx")
    model.graph.node[1].op_type = "Sigmoid"
    onnx.save(model, tmp_path / "a.onnx")
    message = fails(["convert", tmp_path / "a.onnx", tmp_path / "b.npz"], capsys)
    assert "a.onnx: node 2 'relu_1' (Sigmoid): only Gemm, MatMul, Add" in message


def test_of_a_float32_model_it_is_said_what_is_judged(tmp_path, capsys):
    nodes = [node("Gemm", ["x", "W"], ["h"]), node("Relu", ["h"], ["r"]), node("Neg", ["r"], ["y"])]
    tensors = [tensor("W", [[0.1]], np.float32)]
    (tmp_path / "a.onnx").write_bytes(model(nodes, tensors, elem=onnx.TensorProto.FLOAT))
    assert run(["convert", str(tmp_path / "a.onnx"), str(tmp_path / "b.json")]) == 0
    said = capsys.readouterr().err
    assert "--float32 judges what it computes" in said
    assert run(["eval", str(tmp_path / "a.onnx"), "0.5"]) == 0
    assert capsys.readouterr().err == said
    for name in ("a.onnx", "b.json"):
        assert run(["verify", str(tmp_path / name), "--json"]) == 1
        out, err = capsys.readouterr()
        assert json.loads(out)["remarks"][0] == said.strip()
        assert err == ""


def test_without_onnx_the_mend_is_named(tmp_path, capsys, monkeypatch):
    save(ABSOLUTE, tmp_path / "a.npz")
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = fails(["convert", tmp_path / "a.npz", tmp_path / "b.onnx"], capsys)
    assert "pip install 'sinrelu[onnx]'" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz"]


def test_the_network_of_somebody_else_is_judged(tmp_path, capsys):
    """A perceptron with random weights, in the operators of an exporter, is refuted."""
    random = np.random.default_rng(4)
    sizes, value, nodes, tensors = (1, 8, 8, 1), "input", [], []
    for layer, (n, m) in enumerate(pairwise(sizes)):
        for name, array in ("W", random.normal(size=(n, m))), ("b", random.normal(size=m)):
            tensors.append(onnx.numpy_helper.from_array(array, f"{name}{layer}"))
        nodes.append(onnx.helper.make_node("MatMul", [value, f"W{layer}"], [f"p{layer}"]))
        nodes.append(onnx.helper.make_node("Add", [f"p{layer}", f"b{layer}"], [f"s{layer}"]))
        nodes.append(onnx.helper.make_node("Relu", [f"s{layer}"], [f"r{layer}"]))
        value = f"r{layer}"
    info = onnx.helper.make_tensor_value_info
    x, y = (info(name, onnx.TensorProto.DOUBLE, ["N", 1]) for name in ("input", "s2"))
    graph = onnx.helper.make_graph(nodes[:-1], "perceptron", [x], [y], tensors)
    onnx.save(onnx.helper.make_model(graph), tmp_path / "mlp.onnx")
    assert run(["verify", str(tmp_path / "mlp.onnx"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "refuted"
    assert (report["connections"], report["biases"], report["depth"]) == (8 + 64 + 8, 17, 3)
    witness = float.fromhex(report["witness"])
    error = abs(evaluate_float64(load(tmp_path / "mlp.onnx"), witness) - math.sin(witness))
    assert error > 1e-3


@cache
def coarse() -> Network:
    return build(tol="1e-3", wiring="skip")


class TestC:
    """Targets that are C files."""

    def converted(self, network, folder, capsys, *options):
        """Convert a network, and return the file, what is printed, and messages."""
        save(network, folder / "a.npz")
        assert run(["convert", str(folder / "a.npz"), str(folder / "b.c"), *options]) == 0
        out, err = capsys.readouterr()
        return (folder / "b.c").read_text(), out, err

    def test_what_is_proved_is_printed_and_written(self, tmp_path, capsys):
        source, out, err = self.converted(coarse(), tmp_path, capsys)
        printed = dict(re.findall(r"^(\w[\w ]*?)  +(.*)$", out, re.M))
        bound, rounding = printed["sup error"].split()[0], printed["float64 error"].split()[1]
        assert float(bound) <= 1e-3
        assert f"|N(x) - sin x| <= {bound} for every real x" in source
        assert f"within {rounding} of N(x)" in " ".join(source.replace(" * ", " ").split())
        assert printed["sha256"] in source
        assert err == ""

    def test_the_target_is_what_the_file_claims(self, tmp_path, capsys):
        network = build(Target.parse("cos", ("-1", "2")), "skip", "1e-2")
        source, out, _ = self.converted(network, tmp_path, capsys)
        assert "|N(x) - cos x| <= 0.00" in source
        assert "every real x of [-1.0, 2.0]" in " ".join(source.replace(" * ", " ").split())
        assert "double sinrelu_cos(double x)" in source
        assert re.search(r"^domain +\[-1.0, 2.0\]$", out, re.M)

    def test_where_no_proof_is_tried_the_file_says_so(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(prover, "usual_budget", lambda *_: 10)
        wide = build(Target.parse("cos", ("-100", "100")), "skip")
        source, out, _ = self.converted(wide, tmp_path, capsys)
        assert "Proved" not in source
        assert "Nothing is proved of |N(x) - cos x| for all x of [-100.0, 100.0]. Why: " in source
        assert re.search("^sup error +none shown$", out, re.M)

    def test_rounded_weights_are_judged_in_double(self, tmp_path, capsys):
        source, out, err = self.converted(coarse(), tmp_path, capsys, "--float32")
        assert "b.c computes in double, whatever the weights, and is judged so" in err
        assert "This file computes it in double" in " ".join(source.replace(" * ", " ").split())
        assert "float64 error" in out

    def test_what_cannot_be_is_refused(self, tmp_path, capsys):
        fine = Network([Row((0,), (1 + Fraction(1, 2**60),), 0.0)])
        save(fine, tmp_path / "a.json")
        said = fails(["convert", tmp_path / "a.json", tmp_path / "b.c"], capsys)
        assert "b.c: the weights have more bits than a float64" in said
        said = fails(["build", "--tol", "1e-30", "-o", tmp_path / "b.c"], capsys)
        assert "go to .json only" in said
        save(coarse(), tmp_path / "a.c")
        for command in ("convert", "verify"):
            arguments = [command, tmp_path / "a.c", *[tmp_path / "b.npz"] * (command == "convert")]
            assert "a.c: C files are only written, never read" in fails(arguments, capsys)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.c", "a.json"]

    def test_build_writes_it_without_a_proof(self, tmp_path, capsys):
        assert run(["build", "--tol", "0.1", "-o", str(tmp_path / "sin.c")]) == 0
        assert "In this file nothing is proved" in " ".join(
            (tmp_path / "sin.c").read_text().replace(" * ", " ").split()
        )
        assert "a-priori bound" in capsys.readouterr().out
