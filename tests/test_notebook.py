"""The notebook: executed afresh, it gives the numbers that are stored with it."""

import re

import nbformat
import pytest
from study import load_script

from sinrelu import build


@pytest.fixture(scope="module")
def script():
    return load_script("notebook")


@pytest.fixture(scope="module")
def stored(script):
    return nbformat.read(script.NOTEBOOK, as_version=4)


def numbers(texts):
    """Return every number in the texts; errors are compared to the digits that are stable."""
    return [[float(n) for n in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)] for text in texts]


# a kernel's sockets may outlive it for a moment, which is no fault of the notebook
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_runs_and_gives_the_stored_numbers(script, stored):
    fresh = script.texts(script.executed())
    shown = script.texts(stored)
    assert [re.sub(r"[\d.e+-]+", "", text) for text in fresh] == [
        re.sub(r"[\d.e+-]+", "", text) for text in shown
    ]
    for new, old in zip(numbers(fresh), numbers(shown), strict=True):
        assert new == pytest.approx(old, rel=1e-2, abs=1e-300), "run scripts/notebook"


def test_the_counts_stored_are_those_of_the_package(stored):
    text = "\n".join(str(output) for cell in stored.cells for output in cell.get("outputs", ()))
    for network in (build(), build(wiring="skip")):
        assert f"{network.connections} connections" in text, "run scripts/notebook"


def test_every_code_cell_is_stored_executed(stored):
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds == {"stream", "execute_result"}, "neither errors nor anything on stderr"
