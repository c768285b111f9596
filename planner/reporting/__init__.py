"""report(...) -> Report: a page for the meeting, with figures, as HTML that opens without a network or as PDF."""

from planner.reporting.reports import BILL, Report, basis_of, report

__all__ = ["BILL", "Report", "basis_of", "report"]
