"""The list of faults fits the code; that each is caught, ``scripts/mutate`` shows in minutes."""

from collections import Counter

import pytest
from study import ROOT, load_script

TRUSTED = (
    "arithmetic/double_double.py",
    "arithmetic/sine.py",
    *(
        f"certify/{name}.py"
        for name in ("bound", "rounding", "sweep", "windows", "survey", "claim")
    ),
)


@pytest.fixture(scope="module")
def script():
    return load_script("mutate")


def test_every_fault_changes_one_line_of_the_code(script):
    assert [fault for fault in script.FAULTS if script.is_stale(fault)] == []
    assert all(fault.line != fault.wrong for fault in script.FAULTS)


def test_a_line_that_is_not_there_or_twice_is_stale(script):
    fault = script.FAULTS[0]
    assert script.is_stale(fault._replace(line="no such line"))
    assert script.is_stale(fault._replace(line="def "))


def test_faults_have_names_of_their_own_and_tests_that_exist(script):
    names = Counter((fault.file, fault.name) for fault in script.FAULTS)
    assert max(names.values()) == 1
    for name in {name for fault in script.FAULTS for name in fault.tests.split()}:
        folder, _, file = name.rpartition("/")
        assert list((ROOT / "tests" / folder).rglob(f"test_{file}.py")), name


@pytest.mark.parametrize("file", TRUSTED)
def test_faults_are_planted_in_all_that_is_trusted(script, file):
    assert len([fault for fault in script.FAULTS if fault.file == file]) >= 4


def test_faults_are_chosen_by_words(script):
    chosen = [fault for fault in script.FAULTS if script.named(fault, ["windows", "no such"])]
    assert {fault.file for fault in chosen} == {"certify/windows.py"}
    assert all(script.named(fault, []) for fault in script.FAULTS)
