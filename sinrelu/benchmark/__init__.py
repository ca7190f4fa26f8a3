"""Questions about networks whose answers are proved, for those who write network verifiers."""

from sinrelu.benchmark.folder import written
from sinrelu.benchmark.instances import KINDS, Instance, Request

__all__ = ["KINDS", "Instance", "Request", "written"]
