"""`rsuper bench NAME`: measure one of the claims; Docs/results holds what was measured."""

from __future__ import annotations

import argparse
import importlib
import inspect
from typing import Any

from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io import write_json

#: Benchmark to what it measures; the code is the module of the same name in `RSuperLib.bench` (`import` is no name).
BENCHMARKS = {
    "finder": "lesion recall, Dice and agreement of the weights-free finder on phantoms",
    "real": "the whole way on real CTs, Dice where experts drew the tumour (needs RSUPER_DATA)",
    "phantom": "phantom cases per hour on one core",
    "read": "the reader against annotated reports, with intervals and error classes (needs RSUPER_DATA)",
    "deidentify": "how many made-up identifiers the scrubber hides, and what else it takes away",
    "read-many": "reports per second and memory of rsuper read over 100,000 reports, with a kill on the way",
    "import": "what importing the library costs against importing torch",
    "golden": "the published R-Super method, recomputed from the inputs in DIR, to compare digit by digit",
    "ball": "the search for a reported lesion against the published search, per diameter",
    "loss": "a step with report losses against one with Dice and cross entropy alone",
    "data": "a training patch from a prepared case against the published whole .npz",
    "train": "seconds per training step with report losses, with and without the loader",
    "metrics": "Dice, surface Dice, distances and volumes against two other programs, and the gain of cropping",
    "sizes": "how well reported diameters predict the volume of real kidney tumours (needs RSUPER_DATA)",
    "supervision": "whether few masks and many reports beat few masks alone, on phantoms (hours; goes on where it was)",
    "lossmem": "memory and time of Dice and cross entropy in closed form against plain tensors",
}
#: Benchmarks whose function is not `run` of the module of their name.
_FUNCTIONS = {
    "import": ("imports", "run"),
    "read-many": ("read_many", "run"),
    "ball": ("losses", "ball"),
    "loss": ("losses", "loss"),
    "lossmem": ("losses", "lossmem"),
}
EXAMPLES = (
    "  rsuper bench finder --cases 200 --out finder.json\n  rsuper bench import\n  rsuper bench golden DIR --json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    table = "; ".join(f"{name}: {text}" for name, text in BENCHMARKS.items())
    parser.add_argument("name", choices=tuple(BENCHMARKS), metavar="NAME", help=table)
    parser.add_argument("folder", nargs="?", type=user_path, metavar="DIR", help="what to measure (golden, read)")
    parser.add_argument("--cases", type=int, help="how many cases (those benchmarks that draw cases)")
    parser.add_argument("--seed", type=int, default=0, help="first seed of the cases")
    parser.add_argument("--edge", type=int, help="edge in voxels, of the CT (data) or of the crop (others)")
    parser.add_argument("--diameters", type=float, nargs="+", help="lesion diameters in mm (ball)")
    parser.add_argument("--tumours", type=int, nargs="+", help="reported lesions per crop (loss)")
    parser.add_argument("--channels", type=int, help="classes (lossmem) or finest features (train) of the network")
    parser.add_argument("--steps", type=int, help="training steps (train)")
    parser.add_argument("--device", help="cpu or cuda (loss, lossmem, train)")
    parser.add_argument("--config", type=user_path, metavar="FILE", help="the experiment (supervision)")
    parser.add_argument("--arms", nargs="+", help="only these arms (supervision)")
    parser.add_argument("--seeds", type=int, nargs="+", help="only these seeds (supervision)")
    parser.add_argument("--settings", nargs="+", help="only these settings of the experiment (supervision)")
    parser.add_argument("--units", type=int, help="at most so many units of arm and seed now (supervision)")
    parser.add_argument("--work", type=user_path, metavar="DIR", help="folder for cases and runs (supervision)")
    parser.add_argument("--summary", action="store_true", help="only sum up the units that are there (supervision)")
    parser.add_argument("--out", type=user_path, metavar="FILE", help="also write the result as JSON")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one benchmark with those of the options that it takes; it has defaults for what was not given."""
    module, function = _FUNCTIONS.get(arguments.name, (arguments.name, "run"))
    measure = getattr(importlib.import_module(f"RSuperLib.bench.{module}"), function)
    taken = inspect.signature(measure).parameters
    options = {name: value for name, value in vars(arguments).items() if name in taken and value is not None}
    with progress_bar(f"bench {arguments.name}") as progress:
        result: dict[str, Any] = measure(**options, progress=progress)
    result = {"benchmark": arguments.name, **result}
    if arguments.out:
        write_json(arguments.out, result)
    return result


def describe(result: dict[str, Any]) -> str:
    """Every figure on a line of its own."""
    return "\n".join(f"{name}: {value}" for name, value in result.items())
