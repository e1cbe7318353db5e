"""Kinds of arguments that several commands take."""

from __future__ import annotations

import argparse
from pathlib import Path


def user_path(text: str) -> Path:
    """A path as a person writes it: `~` is the home folder, also where the shell does not say so.

    Raises:
        argparse.ArgumentTypeError: the text is empty, as an unset variable of a script is; as a path it would be the
            folder at hand.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~somebody, who is not on this computer
        raise argparse.ArgumentTypeError("the path begins with a home folder that this computer lacks") from error
