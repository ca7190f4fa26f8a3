"""The notebooks: executed afresh, they give the numbers that are stored with them."""

import re

import pytest
from study import ROOT, load_script

from sinrelu import build

NAMES = ("assignment", "layers")


@pytest.fixture(scope="module")
def script():
    return load_script("notebook")


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def numbers(texts):
    """Return every number in the texts; errors are compared to the digits that are stable."""
    return [[float(n) for n in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)] for text in texts]


def words(texts):
    return [re.sub(r"[\d.e+-]+", "", text) for text in texts]


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def test_every_notebook_is_one_of_them(script):
    assert sorted(file.stem for file in (ROOT / "scripts").glob("*.ipynb")) == list(NAMES)
    assert script.NAMES == NAMES


# a kernel's sockets may outlive it for a moment, which is no fault of the notebook
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_runs_and_gives_the_stored_numbers(script, name):
    fresh, shown = script.texts(script.executed(name)), script.texts(script.stored(name))
    assert words(fresh) == words(shown), "run scripts/notebook"
    for new, old in zip(numbers(fresh), numbers(shown), strict=True):
        assert new == pytest.approx(old, rel=1e-2, abs=1e-300), "run scripts/notebook"


def test_the_counts_stored_are_those_of_the_package(script):
    text = "\n".join(map(str, outputs(script.stored("assignment"))))
    for network in (build(), build(wiring="skip")):
        assert f"{network.connections} connections" in text, "run scripts/notebook"


def test_every_code_cell_is_stored_executed(script, name):
    notebook = script.stored(name)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for output in outputs(notebook)}
    assert kinds == {"stream", "execute_result"}, "neither errors nor anything on stderr"
    assert {output.get("name", "stdout") for output in outputs(notebook)} == {"stdout"}
