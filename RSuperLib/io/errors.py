"""The errors that users see. Each says in one sentence what happened, and what to do next."""

from __future__ import annotations


class RSuperError(Exception):
    """Something failed that is not the user's fault; the command line ends with exit code 1.

    Args:
        message: what happened, one plain sentence without patient data.
        next_step: what the user can do about it, one plain sentence.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".rstrip()


class InputError(RSuperError):
    """What was handed in cannot be used; the command line ends with exit code 2."""


class Cancelled(RSuperError):  # noqa: N818 - not an error in the user's eyes
    """The user asked to stop."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")
