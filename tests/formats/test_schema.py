import json as stdlib_json
from importlib import resources

import pytest
from graphs import ABSOLUTE, CONSTANT, networks, sin_network
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from sinrelu.errors import SinreluError
from sinrelu.formats import json
from sinrelu.formats.json import NUMBER

SCHEMA = stdlib_json.loads(
    (resources.files("sinrelu.formats") / "network.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft202012Validator(SCHEMA)


def document(network=ABSOLUTE):
    return stdlib_json.loads(json.dumps(network))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@settings(max_examples=60, deadline=None)
@given(networks())
def test_what_is_written_is_valid(network):
    VALIDATOR.validate(document(network.with_meta(tol=1e-12)))


@pytest.mark.parametrize(
    "network", [CONSTANT, sin_network("layered"), sin_network("skip")], ids=str
)
def test_the_sin_network_is_valid(network):
    VALIDATOR.validate(document(network))


def test_numbers_have_the_pattern_of_the_reader():
    assert (
        SCHEMA["$defs"]["number"]["pattern"]
        == "^" + NUMBER.pattern.translate({ord("("): None, ord(")"): None}) + "$"
    )


CHANGES = [
    lambda d: d.pop("format"),
    lambda d: d.pop("meta"),
    lambda d: d.pop("rows"),
    lambda d: d.update(format="sinrelu-network-2"),
    lambda d: d.update(meta=[]),
    lambda d: d.update(rows=[]),
    lambda d: d.update(rows={}),
    lambda d: d.update(units=1),
    lambda d: d["rows"][0].pop("bias"),
    lambda d: d["rows"][0].update(name="r"),
    lambda d: d["rows"][0].update(bias=0.0),
    lambda d: d["rows"][0].update(bias="nan"),
    lambda d: d["rows"][0].update(bias="0x1.8p0"),
    lambda d: d["rows"][0].update(weights=["-1.0"]),
    lambda d: d["rows"][0].update(sources=[-1]),
    lambda d: d["rows"][0].update(sources=["0"]),
    lambda d: d["rows"][1].update(sources=[0, 0]),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_schema_refuses_the_reader_refuses(change):
    changed = document()
    change(changed)
    assert not VALIDATOR.is_valid(changed)
    with pytest.raises(SinreluError):
        json.loads(stdlib_json.dumps(changed).encode())
