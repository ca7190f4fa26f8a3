"""Where the repository is, and the table of the scaling study that is committed."""

from pathlib import Path

from sinrelu.compare import read_csv

ROOT = Path(__file__).resolve().parent.parent
TABLE = read_csv(ROOT / "docs" / "scaling.csv")
