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


def output_file(text: str) -> Path:
    """A file to be written, which is new or replaced.

    Raises:
        argparse.ArgumentTypeError: there is a folder, or a device such as /dev/null, which a rename would destroy.
    """
    path = user_path(text)
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(f"{path} is {'a folder' if path.is_dir() else 'a device'}, not a file")
    return path
