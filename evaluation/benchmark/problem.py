"""One thing that is wrong with a folder of predictions."""

from __future__ import annotations

import dataclasses
import enum


class Severity(enum.StrEnum):
    """What becomes of a case."""

    ERROR = "error"
    """It will count as failed."""
    WARNING = "warning"
    """It is scored, perhaps not as intended."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem; `where` is a file or a case, `text` one line that says what to change."""

    severity: Severity
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.text}"


def error(where: str, text: str) -> Problem:
    """A problem that makes a case fail."""
    return Problem(Severity.ERROR, where, text)


def warning(where: str, text: str) -> Problem:
    """A problem with which a case is scored."""
    return Problem(Severity.WARNING, where, text)
