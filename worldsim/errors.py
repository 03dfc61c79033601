"""Errors that are addressed to the user."""


class InputError(ValueError):
    """The user's input cannot be used; the message says what to change."""


class MembersFailed(UserWarning):
    """Members of a simulation stopped, or their books do not close; `lines` names each."""

    def __init__(self, lines: list[str], members: int) -> None:
        self.lines = lines
        shown = "\n".join(f"  {line}" for line in lines[:5])
        more = f"\n  and {len(lines) - 5} more" if len(lines) > 5 else ""
        super().__init__(f"{len(lines)} of {members} members failed:\n{shown}{more}")
