"""The errors that users see. Each says in one sentence what happened, and what to do next."""

from __future__ import annotations

import traceback


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


def unexpected(error: Exception) -> RSuperError:
    """What is said of an error that nobody foresaw: its type and place, for its text may hold words of a report."""
    return RSuperError(
        f"An unexpected {type(error).__name__} occurred in {_place_of(error)}.",
        "Please report it with the output of `rsuper selfcheck`.",
    )


def _place_of(error: Exception) -> str:
    """The innermost place of all and, if that is in another library, the innermost one of this library."""
    frames = list(traceback.walk_tb(error.__traceback__))
    places = [f"{frame.f_globals.get('__name__', '?')}, line {line}" for frame, line in frames] or ["an unknown place"]
    ours = [place for place in places if place.startswith("RSuperLib.")][-1:]
    return " from ".join(dict.fromkeys([places[-1], *ours]))


class Cancelled(RSuperError):  # noqa: N818 - not an error in the user's eyes
    """The user asked to stop."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")
