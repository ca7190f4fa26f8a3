"""Weights in float32, and what is said of evaluation there."""

import numpy as np
import pytest
from graphs import ABSOLUTE, TENT, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

import sinrelu
from sinrelu.errors import RequestError
from sinrelu.formats import onnx as onnx_format
from sinrelu.network import Network, Row
from sinrelu.precision import has_float32_weights, in_float32, says_float32

onnxruntime = pytest.importorskip("onnxruntime", reason="the tests need it")
weights = st.floats(-1e30, 1e30).filter(bool)


@settings(max_examples=60, deadline=None)
@given(networks(weights=weights))
def test_every_number_is_rounded_to_nearest(network):
    rounded = in_float32(network)
    assert has_float32_weights(rounded)
    assert says_float32(rounded)
    assert rounded.units == network.units
    for row, before in zip(rounded.rows, network.rows, strict=True):
        near = {s: float(np.float32(w)) for s, w in before.edges}
        assert dict(row.edges) == {source: w for source, w in near.items() if w}
        assert row.bias == float(np.float32(before.bias))
    assert in_float32(rounded) == rounded


def test_what_was_promised_is_left_out():
    meta = in_float32(sin_network("skip")).meta
    assert meta["construction"] == "fold-reflect"
    assert not {"tol", "error_bound", "evaluation_room", "parameters"} & meta.keys()


@pytest.mark.parametrize("weight", [1e39, -1e300])
def test_what_is_beyond_float32_is_refused(weight):
    with pytest.raises(RequestError, match=r"^float32: a weight or bias, .* is beyond its range"):
        in_float32(Network([Row((0,), (weight,), 0.0)]))


def test_weights_of_more_bits_are_none_of_float32():
    fine = sinrelu.build(wiring="skip", tol="1e-20")
    assert not has_float32_weights(fine)
    with pytest.raises(RequestError, match=r"^float32: "):
        in_float32(fine)


@settings(max_examples=60, deadline=None)
@given(networks(), st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=5))
def test_evaluation_is_in_float32_throughout(network, points):
    """Against numpy's scalars, every product and sum rounded to float32."""
    single = in_float32(network)
    for x in points:
        values = [np.float32(x)]
        for row in single.rows:
            terms = [np.float32(w) * values[s] for s, w in row.edges]
            terms = [np.float32(row.bias), *terms] if row.bias or not terms else terms
            total = np.float32(sum(terms[1:], terms[0]))
            values.append(max(total, np.float32(0)))
        found = sinrelu.evaluate_float32(single, x)
        assert found.dtype == np.float32
        assert found == total


def test_weights_must_be_float32():
    with pytest.raises(RequestError, match=r"^float32: .*convert --float32"):
        sinrelu.evaluate_float32(sin_network("skip"), 1.0)
    with pytest.raises(RequestError, match=r"^precision: .*convert --float32"):
        sinrelu.verify(sin_network("skip"), precision="float32")
    with pytest.raises(RequestError, match=r"^precision: 'half' is unknown"):
        sinrelu.verify(TENT, precision="half")


@pytest.mark.parametrize("wiring", ["skip", "layered"])
def test_an_onnx_file_computes_in_float32(wiring):
    """And its values are within what is proved of float32 evaluation, in an order of its own."""
    single = in_float32(sinrelu.build(wiring=wiring, tol=1e-4))
    content = onnx_format.dumps(single)
    again = onnx_format.loads(content)
    assert (again, again.meta) == (single, single.meta)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].type == "tensor(float)"
    x = np.linspace(-np.pi, np.pi, 20_001).astype(np.float32)
    [values] = session.run(None, {"x": x[:, None]})
    report = sinrelu.verify(single, tol=2e-4, precision="float32")
    assert report.verdict == "proved"
    worst = np.max(np.abs(values[:, 0].astype(float) - np.sin(x.astype(float))))
    own = np.max(
        np.abs(sinrelu.evaluate_float32(single, x).astype(float) - np.sin(x.astype(float)))
    )
    assert max(worst, own) <= report.computed_error < 3e-4
    assert report.as_dict()["float32_verdict"] == report.computed_verdict
    assert report.as_dict()["float64_error"] is None
    assert f"float32 error     ≤ {float(report.evaluation_error):.3}"[:20] in report.as_text()


def test_other_networks_are_written_in_float64():
    assert b"float32" not in onnx_format.dumps(ABSOLUTE)
    claimed = sin_network("skip").with_meta(precision="float32")
    assert onnx_format.loads(onnx_format.dumps(claimed)) == sin_network("skip")
