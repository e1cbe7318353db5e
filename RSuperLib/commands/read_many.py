"""`rsuper read` with a file of many reports, or with a table."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io.errors import InputError
from RSuperLib.report.batch import read_batch, skipped_list

_MANY = (".jsonl", ".ndjson", ".csv", ".tsv")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what many reports need."""
    many = parser.add_argument_group("many reports")
    many.add_argument("--out", type=user_path, metavar="FILE", help="where the readings of many reports go (.jsonl)")
    many.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that read (default 1; 0: all cores)")
    many.add_argument("--keep-going", action="store_true", help="leave out broken lines and list them in a file")
    many.add_argument("--restart", action="store_true", help="begin again instead of going on after a stopped run")


def is_asked_for(arguments: argparse.Namespace) -> bool:
    """Whether the command is about many reports."""
    return arguments.report.suffix.lower() in _MANY or arguments.out is not None


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read every report of a file."""
    if arguments.out is None:
        raise InputError("A file of many reports needs a place for the readings.", "Add --out READINGS.jsonl.")
    if arguments.jobs < 0:
        raise InputError("The number of jobs is negative.", "Give --jobs a number such as 2, or 0 for all cores.")
    with progress_bar("reading reports") as progress:
        batch = read_batch(
            arguments.report,
            arguments.out,
            jobs=arguments.jobs or os.cpu_count() or 1,
            keep_going=arguments.keep_going,
            restart=arguments.restart,
            progress=progress,
        )
    return {**asdict(batch), "out": str(arguments.out)}


def describe(result: dict[str, Any]) -> str:
    """How many reports were read, and what was left out."""
    unread = f", {result['not_read']} of them could not be read" if result["not_read"] else ""
    lines = [f"{result['reports']} reports{unread}; {result['lesions']} lesions. Readings: {result['out']}"]
    if result["resumed"]:
        lines.append(f"{result['resumed']} of the readings were there from a run that had been stopped.")
    if result["skipped"]:
        lines.append(
            f"{result['skipped']} broken lines were left out; they are listed in {skipped_list(Path(result['out']))}."
        )
    return "\n".join(lines)
