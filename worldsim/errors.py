"""Errors that are addressed to the user."""

import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


class InputError(ValueError):
    """The user's input cannot be used; the message says what to change."""


def run_program(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """End the process as ``python -m`` programs do: with `main`'s status, or 2 and one line."""
    try:
        raise SystemExit(main(sys.argv[1:]))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


class MembersFailed(UserWarning):
    """Members of a simulation stopped, or their books do not close; `lines` names each."""

    def __init__(self, lines: list[str], members: int) -> None:
        self.lines = lines
        shown = "\n".join(f"  {line}" for line in lines[:5])
        more = f"\n  and {len(lines) - 5} more" if len(lines) > 5 else ""
        super().__init__(f"{len(lines)} of {members} members failed:\n{shown}{more}")
