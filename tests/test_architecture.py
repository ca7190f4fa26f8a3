"""The layout: who may import whom, what is public, and what ``--help`` must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sinrelu
from sinrelu.cli import COMMANDS

PACKAGE = Path(sinrelu.__file__).parent
FLOW = [
    "errors",
    "progress",
    "arithmetic",
    "target",
    "steps",
    "network",
    "precision",
    "kernels",
    "circuit",
    "layering",
    "evaluate",
    "certify",
    "formats",
    "layers",
    "constructions",
    "verification",
    "benchmark",
    "compare",
    "plots",
    "cli",
    "__main__",
]
TRUSTED = {
    *("errors", "progress", "arithmetic", "network", "precision", "kernels", "steps"),
    *("evaluate", "certify"),
}
"""All that a proof may rest on."""
MODULES = sorted(PACKAGE.rglob("*.py"))
DELEGATES = {"network.py": {"formats"}}
"""Methods that only hand over to a module above, imported when they are called."""
HEAVY = {"matplotlib": "plots/", "onnx": "formats/onnx.py", "numba": "kernels.py"}


def imports(source: str) -> set[str]:
    """Return every module that a source imports, at the top or within functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(dotted: str) -> str | None:
    """Return the part of the package that an import reaches, None for other packages."""
    root, _, rest = dotted.partition(".")
    name = rest.split(".")[0]
    known = (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()
    return name if root == "sinrelu" and name and known else None


def faults(place: str, source: str) -> list[str]:
    """Return the imports of a file of the package that go up the flow."""
    own = place.removesuffix(".py").split("/")[0]
    reached = {reached for name in imports(source) if (reached := part(name))}
    allowed = TRUSTED if own == "certify" else set(FLOW)
    later = {name for name in reached - {own} if FLOW.index(name) > FLOW.index(own)}
    return sorted((later | (reached - allowed)) - DELEGATES.get(place, set()))


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down_the_flow(file):
    place = str(file.relative_to(PACKAGE))
    if place != "__init__.py":
        assert faults(place, file.read_text()) == []


def test_an_import_up_the_flow_is_found():
    assert faults("network.py", "from sinrelu.verification.report import Report") == [
        "verification"
    ]
    assert faults("certify/bound.py", "def f():\n    import sinrelu.formats.npz") == ["formats"]
    assert faults("certify/bound.py", "from sinrelu import certify, errors, network") == []


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_heavy_libraries_have_one_home_each(file):
    place = str(file.relative_to(PACKAGE))
    roots = {name.split(".")[0] for name in imports(file.read_text())}
    homes = {library: home for library, home in HEAVY.items() if library in roots}
    assert [library for library, home in homes.items() if not place.startswith(home)] == []


def test_public_names_are_sorted_complete_and_there():
    kinds = {name: (not name.isupper(), name[0].islower(), name) for name in sinrelu.__all__}
    assert sinrelu.__all__ == sorted(kinds, key=kinds.__getitem__)
    for name in sinrelu.__all__:
        assert getattr(sinrelu, name).__doc__, name
    assert set(sinrelu.__all__) <= set(dir(sinrelu))
    with pytest.raises(AttributeError, match="no attribute 'cosrelu'"):
        _ = sinrelu.cosrelu


def test_help_loads_no_numerics():
    code = (
        "import sys; from sinrelu.cli import COMMANDS, run;"
        "asked = [['--help'], ['--version'], *([name, '-h'] for name in COMMANDS)];"
        "assert not any(map(run, asked));"
        "heavy = {'numpy', 'mpmath', 'matplotlib', 'onnx', 'numba'};"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_has_a_file():
    shared = {"__init__", "shared"}
    assert {file.stem for file in (PACKAGE / "cli").glob("*.py")} - shared == set(COMMANDS)


def test_drawing_leaves_pyplot_alone():
    code = (
        "import sys, numpy as np; from sinrelu import Circuit;"
        "from sinrelu.plots import error_figure, rendered;"
        "from sinrelu.verification.sampling import error_curve;"
        "c = Circuit(); n = c.freeze(c.input);"
        "rendered(error_figure(n, error_curve(n), 1), '.svg');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
