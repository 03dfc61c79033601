"""Inspection: what in a video breaks physics, when, and how sure that is."""

from worldsim.inspection.finding import Candidate, Finding, Kind
from worldsim.inspection.inspect import Inspection, inspect

__all__ = ["Candidate", "Finding", "Inspection", "Kind", "inspect"]
