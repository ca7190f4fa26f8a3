"""Networks side by side: what every construction spends, tables of it, and laws of growth."""

from sinrelu.compare.networks import NAMES, Entry, built, compare_all, judged, sampled
from sinrelu.compare.tables import read_csv, written

__all__ = ["NAMES", "Entry", "built", "compare_all", "judged", "read_csv", "sampled", "written"]
