"""Errors that are addressed to the user."""


class InputError(ValueError):
    """The user's input cannot be used; the message says what to change."""
