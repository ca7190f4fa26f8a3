"""Feed broken files to the three readers: each must give a network or one of our errors.

Valid files of small networks are mutated as bytes and as what they are: archives of arrays, JSON
trees, protobuf messages. An input with an outcome that was not seen before joins the seeds. An
input fails if it gives another exception or a warning, takes over 10 seconds, or needs more than
4 GiB; it is then written to --failures. Exit status 1 if any input fails.

    scripts/fuzz --inputs 100000 --seed 1
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
import resource
import signal
import sys
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np

from sinrelu.errors import FormatError, GraphError
from sinrelu.formats import READERS, WRITERS
from sinrelu.network import Network, Row

SECONDS, GIBIBYTES, VALID = 10, 4, 30
INTEGERS = [0, 1, -1, 2, 3, 255, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, -(2**63)]
NUMBERS = [0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308]
STRINGS = ["", "x", "y", "0x1p0", "0x1p99999", "nan", "\0", "σ" * 50, "\ud800", "9" * 5000, "Relu"]
VALUES = [None, True, {}, [], [[]], {"a": {}}, 10**400, *INTEGERS, *NUMBERS, *STRINGS]


def some_network(random: Random) -> Network:
    """Return a random small graph."""
    rows = []
    for number in range(1, random.randint(1, 7)):
        sources = sorted(random.sample(range(number), random.randint(0, min(3, number))))
        weights = tuple(random.choice([1.0, -1.0, 0.5, 1e-300, 1 / 3]) for _ in sources)
        rows.append(Row(tuple(sources), weights, random.choice([0.0, 0.25, -7.0])))
    return Network(rows or [Row((), (), 1.0)], {"tol": 1e-3, "list": [1, {"a": None}]})


# --- mutations ----------------------------------------------------------------------------------


def mutate_bytes(content: bytes, random: Random) -> bytes:
    """Change, insert, delete, repeat or cut off a few bytes."""
    data = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        start = random.randrange(len(data) + 1)
        stop = min(len(data), start + random.choice([1, 1, 2, 4, 8, 64]))
        noise = random.choice([random.randbytes(stop - start), bytes(stop - start), b"\xff" * 8])
        data[start:stop] = random.choice(
            [noise, noise, b"", data[start:stop] * 2, noise + data[start:stop]]
        )
        if random.random() < 0.05:
            del data[start:]
    return bytes(data)


def mutate_json(content: bytes, random: Random) -> bytes:
    """Replace, remove, repeat or wrap a part of the tree."""
    try:
        tree = [json.loads(content)]
        _mutate_tree(tree, random)
        text = json.dumps(tree[0] if tree else None)
    except (ValueError, RecursionError):
        return mutate_bytes(content, random)
    if random.random() < 0.05:
        text = text.replace("null", random.choice(["[" * 10**5, "9" * 10**5, "NaN", "1e999"]))
    return text.encode("utf-8", "surrogatepass")


def _mutate_tree(tree: list | dict, random: Random) -> None:
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    if not keys:
        return
    key = random.choice(keys)
    if isinstance(tree[key], list | dict) and tree[key] and random.random() < 0.8:
        _mutate_tree(tree[key], random)
        return
    action = random.randrange(5)
    if action == 0:
        del tree[key]
    elif action == 1 and isinstance(tree, list):
        tree.insert(key, random.choice(tree))
    elif action == 2 and isinstance(tree[key], str):
        tree[key] = mutate_bytes(tree[key].encode("utf-8", "replace"), random).decode("latin-1")
    elif action == 3:
        tree[key] = random.choice([[tree[key]], {"a": tree[key]}])
    else:
        tree[key] = random.choice(VALUES)


def mutate_npz(content: bytes, random: Random) -> bytes:
    """Change entries and pack them again, so that checksums and sizes are right."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # a seed that is broken already
        return mutate_bytes(content, random)
    for _ in range(random.choice([1, 1, 2, 3])):
        index = random.randrange(len(entries)) if entries else 0
        name, data = entries[index] if entries else ("weight.npy", b"")
        change = random.choice(
            [
                *[lambda name, data: [(name, mutate_bytes(data, random))]] * 2,
                *[lambda name, _: [(name, _npy(random))]] * 3,
                *[lambda name, data: [(name, _mutate_header(data, random))]] * 3,
                lambda name, _: [(name, random.choice(entries)[1] if entries else b"")],
                lambda name, data: [(name, data)] * 2,
                lambda *_: [],
            ]
        )
        entries[index : index + 1] = change(name, data)
    stream = io.BytesIO()
    compression = random.choice([zipfile.ZIP_DEFLATED] * 8 + [zipfile.ZIP_STORED, zipfile.ZIP_LZMA])
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def _npy(random: Random) -> bytes:
    """Return an array of some length, type and content."""
    length = random.choice([0, 1, 2, 3, 4, 5, 6, 9, 1000])
    pool = random.choice([INTEGERS, NUMBERS, range(8), [0, 1], ["a", "{}", '{"a": 1}']])
    array = np.array([random.choice(pool) for _ in range(length)] or [], dtype=None)
    if random.random() < 0.5 and array.dtype.kind in "if":
        with np.errstate(invalid="ignore", over="ignore"):
            array = array.astype(random.choice(["<i8", ">i8", "<f8", ">f8", "<f4", "<u8", "<i4"]))
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array[0] if length == 1 else array)
    return stream.getvalue()


def _mutate_header(data: bytes, random: Random) -> bytes:
    """Announce another shape or type."""
    lengths = [b"0", b"1", b"3", b"-1", b"-40", b"7", b"1e9", b"9" * 8, b"9" * 12, b"9" * 40, b""]
    types = [b"<f8", b">f8", b"<i8", b"|O", b"<U1", b"<U0", b"<U99999999", b"<f16", b"|V8", b"<M8"]
    if random.random() < 0.5:
        return re.sub(rb"\((\d*)(,?)\)", b"(" + random.choice(lengths) + rb"\2)", data, count=1)
    return re.sub(rb"'[<>|][A-Za-z]\d*'", b"'" + random.choice(types) + b"'", data, count=1)


def mutate_onnx(content: bytes, random: Random) -> bytes:
    """Change fields of messages."""
    import onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception:  # a seed that is broken already
        return mutate_bytes(content, random)
    for _ in range(random.choice([1, 1, 2, 3])):
        _mutate_message(model, random)
    return model.SerializeToString()


def _mutate_message(message: object, random: Random) -> None:
    """Walk down at random and change one field."""
    filled = [(field, value) for field, value in message.ListFields()]
    nested = [(f, v) for f, v in filled if f.message_type is not None]
    if nested and random.random() < 0.85:
        field, value = random.choice(nested)
        children = list(value) if _repeated(value) else [value]
        if children and random.random() < 0.85:
            _mutate_message(random.choice(children), random)
            return
    field = random.choice(message.DESCRIPTOR.fields)
    if random.random() < 0.7 and filled:
        field, _ = random.choice(filled)
    value = getattr(message, field.name)
    try:
        _mutate_field(message, field, value, random)
    except (TypeError, ValueError, OverflowError):
        message.ClearField(field.name)


def _repeated(value: object) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _mutate_field(message: object, field: object, value: object, random: Random) -> None:
    if field.message_type is not None:
        if not _repeated(value):
            value.SetInParent()
        elif value and random.random() < 0.7:
            value.add().CopyFrom(random.choice(list(value)))
        else:
            value.add()
    elif _repeated(value):
        if value and random.random() < 0.7:
            value[random.randrange(len(value))] = _scalar(value[0], random)
        else:
            value.append(random.choice(list(value) or [0]))
    else:
        setattr(message, field.name, _scalar(value, random))
    if random.random() < 0.2:
        message.ClearField(field.name)


def _scalar(value: object, random: Random) -> object:
    if isinstance(value, bytes):
        return random.choice([mutate_bytes(value, random), bytes(8), value * 2, b""])
    if isinstance(value, str):
        names = ["x", "y", "units_1", "weight_1", "bias_1", "weight_2", "Gemm", "Relu", "Concat"]
        return random.choice([*names, *STRINGS])
    if isinstance(value, float):
        return random.choice(NUMBERS)
    return random.choice([*INTEGERS, *range(20)])


MUTATIONS: dict[str, Callable[[bytes, Random], bytes]] = {
    ".npz": mutate_npz,
    ".json": mutate_json,
    ".onnx": mutate_onnx,
}


# --- trials -------------------------------------------------------------------------------------


class Fuzzer:
    """One reader, its seeds, and what came of every input."""

    def __init__(self, suffix: str, seed: int, failures: Path) -> None:
        self.suffix = suffix
        self.random = Random(f"{suffix} {seed}")
        self.failures = failures
        self.seeds = [WRITERS[suffix](some_network(self.random)) for _ in range(VALID)]
        self.seen: set[str] = set()
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0

    def step(self) -> None:
        """Make one input and read it."""
        random = self.random
        content = random.choice(self.seeds if random.random() < 0.4 else self.seeds[:VALID])
        kind = random.random()
        if kind < 0.02:
            content = random.randbytes(random.randrange(200))
        elif kind < 0.35:
            content = mutate_bytes(content, random)
        else:
            content = MUTATIONS[self.suffix](content, random)
        begin = time.perf_counter()
        signal.alarm(SECONDS)
        try:
            outcome, text = self.read(content)
        finally:
            signal.alarm(0)
        self.slowest = max(self.slowest, time.perf_counter() - begin)
        self.outcomes[outcome] += 1
        if outcome == "failure":
            self.keep(content, text)
        shape = re.sub(r"'.*'|\d+", "", text)[:80]
        if shape not in self.seen and len(content) < 20000:
            self.seen.add(shape)
            self.seeds.append(content)

    def read(self, content: bytes) -> tuple[str, str]:
        """Return what came of it, and in what words."""
        try:
            network = READERS[self.suffix](content)
            again = READERS[self.suffix](WRITERS[self.suffix](network))
            if again.sha256 != network.sha256:
                return "failure", "the round trip changes the graph"
        except (FormatError, GraphError) as error:
            return "refused", f"{type(error).__name__}: {error}"
        except Exception:  # whatever it is, it is a finding
            return "failure", traceback.format_exc()
        return "read", f"a network of {network.units} units"

    def keep(self, content: bytes, text: str) -> None:
        """Write down an input that failed."""
        self.failures.mkdir(parents=True, exist_ok=True)
        path = self.failures / f"{self.outcomes['failure']}{self.suffix}"
        path.write_bytes(content)
        print(f"{path}\n{text}", file=sys.stderr)


def too_slow(_signal: int, _frame: object) -> None:
    """Turn the alarm into a failure."""
    raise TimeoutError(f"more than {SECONDS} s")


def peak() -> float:
    """Most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main() -> int:
    """Run and print one line for each reader."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000, help="altogether")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "Duplicate name", UserWarning)  # what we write on purpose
    resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTES * 2**30,) * 2)
    signal.signal(signal.SIGALRM, too_slow)
    failures = 0
    for suffix in MUTATIONS:
        fuzzer = Fuzzer(suffix, arguments.seed, arguments.failures)
        before, begin = peak(), time.perf_counter()
        count = arguments.inputs // len(MUTATIONS) + 1
        for _ in range(count):
            fuzzer.step()
        seconds = time.perf_counter() - begin
        failures += fuzzer.outcomes["failure"]
        print(
            f"{suffix:6} {count} inputs in {seconds:.1f} s: {fuzzer.outcomes['read']} read, "
            f"{fuzzer.outcomes['refused']} refused in {len(fuzzer.seen)} ways, "
            f"{fuzzer.outcomes['failure']} failures; slowest {fuzzer.slowest:.2f} s, "
            f"memory {before:.0f} to {peak():.0f} MiB",
            flush=True,
        )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
