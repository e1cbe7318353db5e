"""Report to reading. `read_report` is the deterministic reader; it imports neither torch nor numpy."""

from RSuperLib.report.files import load_report
from RSuperLib.report.reader import read_many, read_report
from RSuperLib.report.schema import Evidence, Finding, OrganStatus, Reading

__all__ = ["Evidence", "Finding", "OrganStatus", "Reading", "load_report", "read_many", "read_report"]
