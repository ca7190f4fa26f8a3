"""What README.md and docs/ show is what the code gives."""

import re
from fractions import Fraction

import pytest
from study import ROOT, load_script

from sinrelu import build, save
from sinrelu.constructions.fold_reflect.induction import prove

TEXT = (ROOT / "README.md").read_text()
PAGES = {page: page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]}
COUNTS = ("wiring", "connections", "biases", "skip connections", "units", "depth", "width")


@pytest.fixture(scope="module")
def script():
    return load_script("readme")


@pytest.fixture(scope="module")
def shown(script):
    found = [match for page in script.PAGES for match in script.MARKED.finditer(PAGES[page])]
    return {match["name"]: match["table"] for match in found}


def test_the_first_page_is_short():
    assert len(TEXT.splitlines()) <= 200


@pytest.mark.parametrize("name", ["networks", "laws", "ranges"])
def test_a_table_is_up_to_date(script, shown, name):
    assert shown.keys() == script.TABLES.keys()
    assert shown[name] == script.TABLES[name](), "run scripts/readme"
    assert "counted" not in shown[name], "run scripts/scaling"


def test_the_table_of_digits_starts_as_it_should(script, shown, monkeypatch):
    """The last rows take long to build."""
    monkeypatch.setattr(script, "TOLERANCES", script.TOLERANCES[:2])
    monkeypatch.setattr(script, "BUDGETS", ())
    begin = script.digit_table()
    assert shown["digits"].startswith(begin), "run scripts/readme"
    assert len(shown["digits"].splitlines()) == len(begin.splitlines()) + 3


@pytest.mark.parametrize(
    ("name", "asked"), [("evaluation", ("COMPUTED", 2)), ("float32", ("SINGLE", 4))]
)
def test_a_table_of_what_is_computed_starts_as_it_should(script, shown, monkeypatch, name, asked):
    """The last rows take long to prove."""
    tolerances = getattr(script, asked[0])
    monkeypatch.setattr(script, asked[0], tolerances[: asked[1]])
    begin = script.TABLES[name]()
    assert shown[name].startswith(begin), "run scripts/readme"
    assert len(shown[name].splitlines()) == 2 + 2 * len(tolerances)


def test_a_bound_in_the_table_of_digits_is_one(script):
    network = build(wiring="skip", max_connections=1000)
    bound = prove(network).sup_error
    assert bound <= Fraction(script.proven_text(network)) < bound * Fraction(101, 100)


def test_quick_commands_print_what_is_shown(script, tmp_path):
    """In a folder as scripts/demo leaves it."""
    save(build(), tmp_path / "sin.npz")
    blocks = [block for block in script.BLOCK.findall(TEXT) if "$ sinrelu verify" not in block]
    assert blocks
    for block in blocks:
        assert script.refreshed_block(block, tmp_path) == block, "run scripts/readme"


def test_the_report_shown_is_of_the_default_network():
    [report] = re.findall(r"(?<=\$ sinrelu verify sin.npz\n).*?(?=```)", TEXT, re.DOTALL)
    network = build()
    figures = {
        re.split(r"\s{2,}", line)[0]: re.split(r"\s{2,}", line)[1]
        for line in report.splitlines()
        if "  " in line
    }
    for name in COUNTS:
        shown = re.search(rf"^{name}\s+(\S+)", report, re.MULTILINE)[1]
        assert shown == str(getattr(network, name.replace(" ", "_"))), f"{name}: run scripts/readme"
    assert figures["sha256"] == network.sha256
    assert float(figures["sampled error"]) <= float(figures["sup error"]) <= 1e-12
    assert figures["verdict"].startswith("proved: ")


def test_files_and_sections_that_are_named_exist():
    for page, text in PAGES.items():
        for target, section in re.findall(r"\]\((?!http)([^)#]+)(?:#([\w-]+))?\)", text):
            file = (page.parent / target).resolve()
            assert file.is_file(), (page, target)
            titles = re.findall(r"^#+ (.*)$", file.read_text(), re.M) if section else [""]
            assert section in [title.lower().replace(" ", "-") for title in titles], section
        for name in re.findall(r"(scripts/[\w.-]*\w|sinrelu/[\w/]+\.py)", text):
            assert (ROOT / name).is_file(), (page, name)


def test_the_python_example_runs(tmp_path, monkeypatch):
    [code] = re.findall(r"(?<=```python\n).*?(?=```)", TEXT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    assert (tmp_path / "sin.json").is_file()
