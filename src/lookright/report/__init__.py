"""Tables and pictures of a run or a bench as one page that needs nothing but itself."""

from lookright.report.page import write_report

__all__ = ["write_report"]
