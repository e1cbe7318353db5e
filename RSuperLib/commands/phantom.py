"""`rsuper phantom`: made-up CTs with masks and reports."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from RSuperLib.phantom import LESION_ORGANS, PhantomSettings, make_batch

EXAMPLES = (
    "  rsuper phantom --out phantoms --cases 20\n"
    "  rsuper phantom --out hard --cases 100 --organs liver,kidney --contrast 0.6 --prevalence 1\n"
    "  rsuper phantom --out real_shapes --organs kidney --geometry folder_of_masks"
)
_DEFAULTS = PhantomSettings()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--out", type=Path, required=True, help="folder for the cases; complete ones in it are kept")
    parser.add_argument("--cases", type=int, default=1, help="how many (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same phantoms (default 0)")
    parser.add_argument("--size", default=_DEFAULTS.size, help="small: voxels of about 3 mm; full: clinical voxels")
    parser.add_argument("--prevalence", type=float, default=_DEFAULTS.prevalence, help="share of cases with a lesion")
    parser.add_argument("--organs", default=",".join(LESION_ORGANS), help="organs that may have lesions, with commas")
    parser.add_argument("--phase", default=_DEFAULTS.phase, help="any, arterial, portal or none (no contrast)")
    parser.add_argument("--max-lesions", type=int, default=_DEFAULTS.max_lesions, help="most lesions of one case")
    parser.add_argument("--contrast", type=float, default=_DEFAULTS.contrast, help="below 1, lesions are harder to see")
    parser.add_argument("--geometry", type=Path, help="folder of label maps whose tumours (label 2) lend their shapes")
    parser.add_argument("--no-distractors", action="store_true", help="no stones, plaques and unreported cysts")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the phantoms that are not there yet."""
    settings = PhantomSettings(
        size=arguments.size,
        prevalence=arguments.prevalence,
        phase=arguments.phase,
        organs=tuple(name.strip() for name in arguments.organs.split(",") if name.strip()),
        max_lesions=arguments.max_lesions,
        contrast=arguments.contrast,
        geometry=arguments.geometry,
        distractors=not arguments.no_distractors,
    )
    start = time.monotonic()
    with tqdm(total=arguments.cases, unit="case", disable=not sys.stderr.isatty()) as bar:

        def progress(_stage: str, fraction: float) -> None:
            bar.update(round(fraction * arguments.cases) - bar.n)

        batch = make_batch(arguments.out, arguments.cases, arguments.seed, settings, progress)
    return {
        "folder": str(arguments.out),
        "cases": [path.name for path in batch.cases],
        "made": batch.made,
        "seconds": round(time.monotonic() - start, 2),
    }


def describe(result: dict[str, Any]) -> str:
    """How many phantoms are where."""
    kept = len(result["cases"]) - result["made"]
    text = f"{result['made']} phantoms made in {result['seconds']:.0f} s"
    return f"{text}{f', {kept} were there' if kept else ''}: {result['folder']}"
