import contextlib
import io
import json
import pickle
import resource
import struct
import sys
import zipfile

import numpy as np
import pytest
from graphs import ABSOLUTE, CONSTANT, TENT, networks, sin_network
from hypothesis import given, settings

from sinrelu.errors import FormatError, GraphError
from sinrelu.formats import npz


def npy(array, **options) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **options)
    return stream.getvalue()


def header(text: str, version: bytes = b"\x01\x00", data: bytes = b"") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text.encode() + data


ENTRIES = {
    "format": npy(npz.FORMAT),
    "indptr": npy(np.array([0, 1, 3])),
    "source": npy(np.array([0, 0, 1])),
    "weight": npy(np.array([-1.0, 1.0, 2.0])),
    "bias": npy(np.array([0.0, 0.0])),
    "meta": npy('{"remark": "absolute value"}'),
}


def archive(compression: int = zipfile.ZIP_DEFLATED, **changes: bytes | None) -> bytes:
    """An npz file of the absolute value with some entries replaced, added or (None) left out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, content in (ENTRIES | changes).items():
            if content is not None:
                file.writestr(f"{name}.npy", content)
    return stream.getvalue()


def test_a_file_written_by_numpy_alone_is_read():
    network = npz.loads(archive())
    assert network == ABSOLUTE
    assert network.meta == {"remark": "absolute value"}


@settings(max_examples=60, deadline=None)
@given(networks())
def test_round_trip(network):
    again = npz.loads(npz.dumps(network.with_meta(tol=1e-12, words=["σ", None])))
    assert again.sha256 == network.sha256
    assert again.meta == {"tol": 1e-12, "words": ["σ", None]}


@pytest.mark.parametrize("network", [ABSOLUTE, TENT, CONSTANT, sin_network("skip")])
def test_the_same_network_gives_the_same_bytes(network):
    content = npz.dumps(network)
    assert content == npz.dumps(npz.loads(content))


def test_the_file_is_as_documented():
    with np.load(io.BytesIO(npz.dumps(TENT)), allow_pickle=False) as entries:
        assert set(entries) == {"format", "indptr", "source", "weight", "bias", "meta"}
        assert entries["format"] == "sinrelu-network-1"
        assert entries["indptr"].tolist() == [0, 1, 2, 4, 5]
        assert entries["source"].tolist() == [0, 0, 1, 2, 3]
        assert entries["weight"].tolist() == [1.0, 1.0, 2.0, -4.0, 0.5]
        assert entries["bias"].tolist() == [0.0, -0.5, 0.0, 0.25]
        assert {entries[k].dtype.str[1:] for k in ("indptr", "source")} == {"i8"}
        assert json.loads(str(entries["meta"])) == {}


def test_stored_entries_big_endian_and_version_2_headers_are_read():
    changes = {
        "weight": npy(np.array([-1.0, 1.0, 2.0], ">f8"), version=(2, 0)),
        "source": npy(np.array([0, 0, 1], ">i8")),
    }
    assert npz.loads(archive(zipfile.ZIP_STORED, **changes)) == ABSOLUTE


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }\n"
MALFORMED = {
    "another version": (
        {"format": npy("sinrelu-network-2")},
        "format: expected 'sinrelu-network-1'",
    ),
    "a format that is no string": ({"format": npy(np.arange(3.0))}, "format: expected a string"),
    "two formats": ({"format": npy([npz.FORMAT] * 2)}, "format: expected a string"),
    "an empty string type": (
        {"format": header(HEADER.replace("f8", "U0") % "")},
        "format: expected",
    ),
    "letters beyond Unicode": (
        {
            "meta": header(
                "{'descr': '<U1', 'fortran_order': False, 'shape': (), }\n", data=b"\xff" * 4
            )
        },
        "not a readable .npz",
    ),
    "a missing entry": ({"bias": None}, "expected the entries .*bias"),
    "an unknown entry": ({"extra": npy([1])}, "expected the entries"),
    "a pickled array": (
        {"weight": npy(np.array([{}, 1, 2], dtype=object), allow_pickle=True)},
        "weight: expected a one-dimensional float64 array, found .*O",
    ),
    "a pickle": ({"weight": pickle.dumps([1.0, 2.0, 3.0])}, "weight: not an array"),
    "a record array": ({"weight": npy(np.zeros(3, [("a", "f8")]))}, "weight: expected"),
    "float32": ({"weight": npy(np.ones(3, np.float32))}, "weight: expected .* float64"),
    "long double": ({"weight": npy(np.ones(3, np.longdouble))}, "weight: expected .* float64"),
    "complex": ({"weight": npy(np.ones(3, complex))}, "weight: expected"),
    "unsigned": ({"source": npy(np.array([0, 0, 1], np.uint64))}, "source: expected .* int64"),
    "float sources": ({"source": npy(np.zeros(3))}, "source: expected .* int64"),
    "a matrix": ({"weight": npy(np.ones((3, 1)))}, "weight: expected a one-dimensional"),
    "a scalar": ({"weight": npy(1.0)}, "weight: expected a one-dimensional"),
    "a truncated array": ({"weight": ENTRIES["weight"][:-1]}, "24 bytes announced, 23 found"),
    "an array too long": ({"weight": ENTRIES["weight"] + b"\0"}, "24 bytes announced, 25 found"),
    "a truncated header": ({"weight": ENTRIES["weight"][:40]}, "weight: expected"),
    "no header": ({"weight": ENTRIES["weight"][:9]}, "not a readable .npz"),
    "an empty entry": ({"weight": b""}, "weight: not an array"),
    "a future .npy": ({"weight": header(HEADER % "3,", b"\x04\x00")}, "weight: not an array"),
    "10¹² weights": (
        {"weight": header(HEADER % "1000000000000,")},
        "bytes are more than a network needs",
    ),
    "10³⁰ weights": ({"weight": header(HEADER % f"{10**30},")}, "weight: expected"),
    "a negative length": ({"weight": header(HEADER % "-40,")}, "weight: expected"),
    "a header of code": ({"weight": header("{'descr': __import__('os')}")}, "weight: expected"),
    "deep nesting in a header": ({"weight": header("(" * 4000)}, "weight: expected"),
    "a long header": ({"weight": header(HEADER % "3," + " " * 5000)}, "weight: expected"),
    "meta that is no JSON": ({"meta": npy("{remark}")}, "meta: not JSON"),
    "meta that is no object": ({"meta": npy("[1]")}, "meta: expected a JSON object"),
    "meta with NaN": ({"meta": npy('{"a": NaN}')}, "meta: not JSON .NaN is not a number"),
    "meta with a key twice": ({"meta": npy('{"a": 1, "a": 2}')}, "meta: not JSON .*same key twice"),
    "deep meta": ({"meta": npy('{"a":' * 10**5)}, "meta: not JSON"),
    "a billion-digit number in meta": ({"meta": npy(f'{{"a": {"9" * 10**6}}}')}, "meta: not JSON"),
}
NOT_GRAPHS = {
    "a cycle": ({"source": npy(np.array([1, 0, 1]))}, "source: row 1"),
    "a NaN weight": ({"weight": npy(np.array([-1, np.nan, 2]))}, "weight: row 2: must be finite"),
    "an infinite bias": ({"bias": npy(np.array([0, np.inf]))}, "bias: row 2: must be finite"),
    "no row": ({"bias": npy(np.zeros(0)), "indptr": npy(np.array([0]))}, "indptr: expected"),
}


@pytest.mark.parametrize(("changes", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_refused(changes, message):
    with pytest.raises(FormatError, match=message):
        npz.loads(archive(**changes))


@pytest.mark.parametrize(("changes", "message"), NOT_GRAPHS.values(), ids=NOT_GRAPHS.keys())
def test_arrays_that_are_no_network_are_refused(changes, message):
    with pytest.raises(GraphError, match=message):
        npz.loads(archive(**changes))


def test_a_pickle_is_never_run():
    class Harm:
        def __reduce__(self):
            return (sys.exit, ("the pickle ran",))

    harmful = npy(np.array([Harm()], dtype=object), allow_pickle=True)
    for name in ENTRIES:
        with pytest.raises(FormatError, match=f"{name}: expected"):
            npz.loads(archive(**{name: harmful}))


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_refused(compression):
    with pytest.raises(FormatError, match="format: compressed by another method"):
        npz.loads(archive(compression))


def test_an_encrypted_entry_is_refused():
    content = bytearray(archive())
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    with pytest.raises(FormatError, match="format: encrypted"):
        npz.loads(bytes(content))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused():
    stream = io.BytesIO(archive())
    with zipfile.ZipFile(stream, "a") as file:
        file.writestr("weight.npy", npy(np.array([-1.0, 1.0, 3.0])))
    with pytest.raises(FormatError, match="each once"):
        npz.loads(stream.getvalue())


def test_a_zip_bomb_is_not_unpacked():
    """An entry of 96 MiB, announced honestly, negatively, or as three numbers."""
    zeros = bytes(2**22)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for length, message in ((2**29, "more than"), (-3, "expected"), (3, "24 bytes announced, 25")):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for name in ("format", "indptr", "source", "bias", "meta"):
                file.writestr(f"{name}.npy", ENTRIES[name])
            with file.open("weight.npy", "w", force_zip64=True) as entry:
                entry.write(header(HEADER % f"{length},"))
                for _ in range(24):
                    entry.write(zeros)
        with pytest.raises(FormatError, match=message):
            npz.loads(stream.getvalue())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 2**16, "KiB"


@pytest.mark.parametrize("step", [1, 7])
def test_every_truncation_is_refused(step):
    content = npz.dumps(TENT)
    for length in range(0, len(content), step):
        with pytest.raises(FormatError):
            npz.loads(content[:length])


def test_every_flipped_byte_gives_a_network_or_an_error():
    content = npz.dumps(TENT)
    read = 0
    for position in range(len(content)):
        broken = bytearray(content)
        broken[position] ^= 0xFF
        with contextlib.suppress(FormatError, GraphError):
            read += npz.loads(bytes(broken)) == TENT  # dates and such are not looked at
    assert 0 < read < len(content) / 2


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"{}"])
def test_what_is_no_archive_is_refused(content):
    with pytest.raises(FormatError):
        npz.loads(content)
