"""`rsuper demo`: a made-up patient goes the whole way, from CT and report to masks and a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RSuperLib.commands import segment
from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io.errors import InputError
from RSuperLib.worker import Worker

EXAMPLES = "  rsuper demo\n  rsuper demo --seed 3 --out another-patient"

#: A patient with several lesions in different organs, chosen by looking; any other seed works too.
SEED = 8
_OUT = Path("demo-output")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--out", type=user_path, default=_OUT, metavar="DIR", help=f"default: {_OUT}")
    parser.add_argument("--seed", type=int, default=SEED, help="another number is another patient")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the patient, then segment as `rsuper segment` does."""
    from RSuperLib.phantom import holds_phantom, make_phantom, write_phantom

    if arguments.seed < 0:
        raise InputError("The seed is negative.", "Give 0 or a larger whole number.")
    case = arguments.out / "patient"
    holds_phantom(case)  # refuses what is not by the demo, before time is spent
    with progress_bar("making a patient") as progress, Worker() as worker:
        phantom = make_phantom(arguments.seed)
        write_phantom(phantom, case)
        request = {
            "ct": str(case / "ct.nii.gz"),
            "report": str(case / "report.txt"),
            "parts": str(case / "parts.nii.gz"),
            "out": str(arguments.out / "results"),
        }
        result = worker.run("segment", request, progress)
    return {"patient": str(case), **result, "report": phantom.report}


def describe(result: dict[str, Any]) -> str:
    """The report, what was made of it, and what to look at."""
    return "\n".join(
        [
            "The report of a made-up patient:\n",
            *(f"    {line}" for line in result["report"].strip().splitlines()),
            "",
            segment.describe(result),
            f"Look at {Path(result['out']) / 'view.png'}; the CT and its true masks are in {result['patient']}.",
        ]
    )
