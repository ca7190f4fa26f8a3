"""Every script finds what it imports; what each does is tested elsewhere, or takes too long."""

import re

import pytest
from study import ROOT, load_script

SCRIPTS = sorted(script.stem for script in (ROOT / "scripts").glob("*.py"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_imported(name):
    assert load_script(name).__doc__


def test_commands_run_scripts_that_are_there():
    commands = [file for file in (ROOT / "scripts").iterdir() if file.is_file() and not file.suffix]
    named = {
        name for file in commands for name in re.findall(r"scripts/([\w-]+\.py)", file.read_text())
    }
    assert "bench.py" in named
    assert named <= {f"{name}.py" for name in SCRIPTS}
