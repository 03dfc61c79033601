"""Inspection: what in a video breaks physics, when, and how sure that is."""

from worldsim.inspection.finding import Candidate, Finding, Kind, Rule
from worldsim.inspection.inspect import Inspection, inspect

__all__ = ["Candidate", "Finding", "Inspection", "Kind", "Rule", "inspect"]
