import sys

import onnx
import pytest
from graphs import ABSOLUTE, sin_network

from sinrelu.cli import run
from sinrelu.formats import load, save

SUFFIXES = (".npz", ".json", ".onnx")


@pytest.mark.parametrize("wiring", ["layered", "skip"])
def test_all_formats_both_ways(tmp_path, capsys, wiring):
    network = sin_network(wiring)
    for first in SUFFIXES:
        save(network, tmp_path / f"a{first}")
        for second in SUFFIXES:
            assert run(["convert", str(tmp_path / f"a{first}"), str(tmp_path / f"b{second}")]) == 0
            assert load(tmp_path / f"b{second}").sha256 == network.sha256
            out, err = capsys.readouterr()
            assert out.splitlines()[-1].endswith(network.sha256)
            assert err == ""


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


def test_without_onnx_the_mend_is_named(tmp_path, capsys, monkeypatch):
    save(ABSOLUTE, tmp_path / "a.npz")
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = fails(["convert", tmp_path / "a.npz", tmp_path / "b.onnx"], capsys)
    assert "pip install 'sinrelu[onnx]'" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz"]
