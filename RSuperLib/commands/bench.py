"""`rsuper bench NAME`: measure one of the claims; Docs/results holds what was measured."""

from __future__ import annotations

import argparse
import importlib
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
    "import": "what importing the library costs against importing torch",
}
_MODULES = {"import": "imports"}
EXAMPLES = "  rsuper bench finder --cases 200 --out finder.json\n  rsuper bench import"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    table = "; ".join(f"{name}: {text}" for name, text in BENCHMARKS.items())
    parser.add_argument("name", choices=tuple(BENCHMARKS), metavar="NAME", help=table)
    parser.add_argument("--cases", type=int, help="how many cases (those benchmarks that draw cases)")
    parser.add_argument("--seed", type=int, default=0, help="first seed of the cases")
    parser.add_argument("--out", type=user_path, metavar="FILE", help="also write the result as JSON")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one benchmark."""
    module = importlib.import_module(f"RSuperLib.bench.{_MODULES.get(arguments.name, arguments.name)}")
    with progress_bar(f"bench {arguments.name}") as progress:
        result: dict[str, Any] = module.run(cases=arguments.cases, seed=arguments.seed, progress=progress)
    result = {"benchmark": arguments.name, **result}
    if arguments.out:
        write_json(arguments.out, result)
    return result


def describe(result: dict[str, Any]) -> str:
    """Every figure on a line of its own."""
    return "\n".join(f"{name}: {value}" for name, value in result.items())
