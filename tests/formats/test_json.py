import json as stdlib_json
import sys

import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings
from hypothesis import strategies as st

from sinrelu.errors import FormatError, GraphError
from sinrelu.formats import json
from sinrelu.network import Network, Row


def document(**changes):
    """The absolute value as a JSON object with some fields replaced or (None) left out."""
    fields = {
        "format": "sinrelu-network-1",
        "meta": {},
        "rows": [row(), row(sources=[0, 1], weights=["0x1p0", "0x1p1"])],
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


def row(**changes):
    fields = {"bias": "0x0p0", "sources": [0], "weights": ["-0x1p0"]} | changes
    return {name: value for name, value in fields.items() if value is not None}


def text(**changes) -> bytes:
    return stdlib_json.dumps(document(**changes)).encode()


def with_first_row(**changes) -> bytes:
    return text(rows=[row(**changes), row(sources=[0, 1], weights=["0x1p0", "0x1p1"])])


def test_a_file_written_by_hand_is_read():
    assert json.loads(text()) == ABSOLUTE


any_weights = st.floats(allow_nan=False, allow_infinity=False).filter(bool)


@settings(max_examples=60, deadline=None)
@given(networks(weights=any_weights))
def test_round_trip(network):
    again = json.loads(json.dumps(network.with_meta(tol=1e-12, words=["σ", None])))
    assert again.sha256 == network.sha256
    assert again.meta == {"tol": 1e-12, "words": ["σ", None]}


@pytest.mark.parametrize("network", [ABSOLUTE, TENT, CONSTANT, sin_network("skip")])
def test_the_same_network_gives_the_same_bytes(network):
    content = json.dumps(network)
    assert content == json.dumps(json.loads(content))


def test_the_file_is_as_documented():
    assert stdlib_json.loads(json.dumps(TENT)) == {
        "format": "sinrelu-network-1",
        "meta": {},
        "rows": [
            {"bias": "0x0p0", "sources": [0], "weights": ["0x1p0"]},
            {"bias": "-0x1p-1", "sources": [0], "weights": ["0x1p0"]},
            {"bias": "0x0p0", "sources": [1, 2], "weights": ["0x1p1", "-0x1p2"]},
            {"bias": "0x1p-2", "sources": [3], "weights": ["0x1p-1"]},
        ],
    }


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("0x3p-1", 1.5),
        ("0x0p0", 0.0),
        ("0x1p-1074", 5e-324),
        ("0x1fffffffffffffp971", sys.float_info.max),
    ],
)
def test_numbers_by_hand(number, value):
    network = json.loads(with_first_row(bias=number))
    assert network.rows[0].bias == value


MALFORMED = {
    "nothing": (b"", "not JSON"),
    "no JSON": (b"{", "not JSON"),
    "no text": (b"\xff\xfe\xff\x80", "not text"),
    "an array": (b"[]", "expected a JSON object"),
    "null": (b"null", "expected a JSON object"),
    "another version": (text(format="sinrelu-network-2"), "format: expected 'sinrelu-network-1'"),
    "a format that is no string": (text(format=1), "format: expected a str"),
    "no format": (text(format=None), "expected an object with format, meta, rows"),
    "no rows": (text(rows=None), "expected an object with format, meta, rows"),
    "an unknown field": (text(units=1), "expected an object with format, meta, rows"),
    "meta that is no object": (text(meta=[]), "meta: expected a dict"),
    "rows that are no list": (text(rows={}), "rows: expected a list"),
    "a row that is no object": (text(rows=[[]]), "row 1: expected an object with"),
    "a row without bias": (with_first_row(bias=None), "row 1: expected an object with"),
    "an unknown field in a row": (with_first_row(name="r"), "row 1: expected an object with"),
    "a field twice": (b'{"format": "a", "format": "a"}', "same key twice"),
    "NaN in meta": (text(meta={"a": float("nan")}), "NaN is not a number"),
    "infinity in meta": (text(meta={"a": -float("inf")}), "-Infinity is not a number"),
    "sources that are no list": (with_first_row(sources="0"), "row 1: sources: expected a list"),
    "a number as a weight": (with_first_row(weights=[1.0]), "row 1: weights: expected a number"),
    "a decimal weight": (with_first_row(weights=["1.5"]), "row 1: weights: expected a number"),
    "nan as a weight": (with_first_row(weights=["nan"]), "row 1: weights: expected a number"),
    "inf as a bias": (with_first_row(bias="inf"), "row 1: bias: expected a number like"),
    "a fraction": (with_first_row(bias="0x1.8p0"), "row 1: bias: expected a number like"),
    "a line break after": (with_first_row(bias="0x1p0\n"), "row 1: bias: expected a number like"),
    "digits of another script": (with_first_row(bias="0x1p٣"), "row 1: bias: expected a number"),
    "a huge exponent": (with_first_row(bias="0x1p9999999999"), "row 1: bias: expected a number"),
    "a billion digits": (with_first_row(bias="0x" + "1" * 10**6 + "p0"), "expected a number"),
    "a long decimal": (b'{"format": ' + b"9" * 10**6 + b"}", "not JSON"),
    "deep nesting": (b"[" * 10**6, "not JSON"),
    "deep objects": (b'{"a":' * 10**5, "not JSON"),
}
NOT_GRAPHS = {
    "no rows": (text(rows=[]), "rows: expected"),
    "a cycle": (with_first_row(sources=[1]), "source: row 1: must be the input or an earlier"),
    "a source ahead": (with_first_row(sources=[2]), "source: row 1: must be the input"),
    "a negative source": (with_first_row(sources=[-1]), "source: row 1: must be the input"),
    "a huge source": (with_first_row(sources=[10**400]), "source: row 1: must be the input"),
    "true as a source": (with_first_row(sources=[False]), "source: row 1: must be the input"),
    "a float as a source": (with_first_row(sources=[0.0]), "source: row 1: must be the input"),
    "an object as a source": (with_first_row(sources=[{}]), "source: row 1: must be the input"),
    "too few weights": (with_first_row(weights=[]), "weight: row 1: expected one for each"),
    "too many weights": (with_first_row(weights=["0x1p0"] * 2), "weight: row 1: expected one"),
    "a weight of zero": (with_first_row(weights=["0x0p0"]), "weight: row 1: must not be zero"),
    "one source twice": (
        text(rows=[row(sources=[0, 0], weights=["0x1p0"] * 2)]),
        "source: row 1: must increase strictly",
    ),
    "a falling order": (
        text(rows=[row(), row(sources=[1, 0], weights=["0x1p0"] * 2)]),
        "source: row 2: must increase strictly",
    ),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_refused(content, message):
    with pytest.raises(FormatError, match=message) as caught:
        json.loads(content)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(("content", "message"), NOT_GRAPHS.values(), ids=NOT_GRAPHS.keys())
def test_rows_that_are_no_network_are_refused(content, message):
    with pytest.raises(GraphError, match=message) as caught:
        json.loads(content)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("depth", [100, 500, 900, 990, 995])
def test_nesting_just_below_the_recursion_limit(depth):
    nested = "[" * depth + "]" * depth
    content = text(rows=[row(weights=["HERE"])]).replace(b'"HERE"', nested.encode())
    with pytest.raises(FormatError):
        json.loads(content)


def test_every_truncation_is_refused():
    content = json.dumps(TENT).rstrip()
    for length in range(len(content)):
        with pytest.raises(FormatError):
            json.loads(content[:length])


def test_row_order_is_that_of_the_network():
    network = Network([Row((0,), (1.0,), 0.0), Row((), (), 1.0)])
    assert json.loads(json.dumps(network)).rows == network.rows


@pytest.mark.parametrize("text", ["0x3p-999999", "0x3p999999", f"0x{'7' * 20000}p0"])
def test_numbers_have_a_number_of_bits_together(text, monkeypatch):
    """Each is within its limit; twenty thousand of them took minutes and gigabytes."""
    rows = [row(bias=text, sources=[], weights=[])] * 50
    document = stdlib_json.dumps({"format": "sinrelu-network-1", "meta": {}, "rows": rows}).encode()
    assert len(json.loads(document).rows) == 50
    monkeypatch.setattr(json, "MAX_BITS", 10 * 1_000_000 if "p0" not in text else 10 * 80_000)
    with pytest.raises(FormatError, match=r"^row 1[01]: bias: the numbers up to here have more"):
        json.loads(document)
