"""`rsuper evaluate`: predicted masks against references."""

from __future__ import annotations

import argparse
from typing import Any, get_args

from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io import InputError, write_bytes, write_json
from RSuperLib.report.schema import Organ

EXAMPLES = """\
  rsuper evaluate predicted reference --validation val-predicted val-reference --out scores
  rsuper evaluate predicted reference --threshold 120 --organ liver --out scores
  rsuper evaluate predicted reference --against other-predicted --threshold 120 --out scores

Each is a folder of case folders of the same names; Docs/evaluation.md defines every figure."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("predicted", type=user_path, help="folder of case folders with lesions.nii.gz")
    parser.add_argument("reference", type=user_path, help="the same with lesions.nii.gz, reading.json or report.txt")
    parser.add_argument("--organ", choices=get_args(Organ), metavar="ORGAN", help="only lesions of this organ")
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument("--threshold", type=float, metavar="MM3", help="from which score on a case is positive")
    threshold.add_argument(
        "--validation", type=user_path, nargs=2, metavar=("PREDICTED", "REFERENCE"),
        help="other cases, on which the threshold is chosen",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=user_path, metavar="PREDICTED", help="another model's masks of the same cases"
    )
    parser.add_argument(
        "--against-validation",
        type=user_path,
        metavar="PREDICTED",
        help="the other model's masks of the validation cases",
    )
    parser.add_argument("--out", type=user_path, metavar="DIR", help="folder for evaluation.json and evaluation.html")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Evaluate, and write the result if a folder is given."""
    from RSuperLib.evaluation.folders import evaluate_folders
    from RSuperLib.evaluation.summary import compare, summarise

    _refuse_test_cases_as_validation(arguments)
    with progress_bar("evaluate") as progress:
        cases = evaluate_folders(arguments.predicted, arguments.reference, arguments.organ, progress)
        threshold = _threshold(arguments, arguments.validation and arguments.validation[0])
        result = {"organ": arguments.organ, **summarise(cases, threshold)}
        if arguments.against:
            others = evaluate_folders(arguments.against, arguments.reference, arguments.organ, progress)
            second = _threshold(arguments, arguments.against_validation)
            both = None if threshold is None or second is None else (threshold, second)
            result["against"] = compare(cases, others, both)
    if arguments.out:
        from RSuperLib.export.evaluation_page import evaluation_page

        write_json(arguments.out / "evaluation.json", result)
        write_bytes(arguments.out / "evaluation.html", evaluation_page(result).encode())
    return result


def describe(result: dict[str, Any]) -> str:
    """The main figures, a line each."""
    lines = [f"{result['cases']} cases, {result['cases_with_masks']} with masks"]
    for level in ("case_level", "lesion_level", "voxel_level", "against"):
        lines += [
            f"{level.replace('_', ' ')}, {name}: {one['value']} [{one['low']} to {one['high']}]"
            for name, one in result.get(level, {}).items()
            if isinstance(one, dict) and one["value"] is not None
        ]
    return "\n".join(lines)


def _refuse_test_cases_as_validation(arguments: argparse.Namespace) -> None:
    if arguments.validation and arguments.validation[1].resolve() == arguments.reference.resolve():
        raise InputError(
            "The validation cases are the test cases; a threshold chosen on them makes figures that are too good.",
            "Give other cases with --validation, or a number with --threshold.",
        )
    if arguments.against and arguments.validation and not arguments.against_validation:
        raise InputError(
            "The other model has no threshold of its own.", "Give its masks of the same cases: --against-validation."
        )


def _threshold(arguments: argparse.Namespace, predicted: Any) -> float | None:
    """The number that was given, or the one of the validation cases for these predictions of them."""
    from RSuperLib.evaluation.folders import evaluate_folders
    from RSuperLib.evaluation.summary import validation_threshold

    if not arguments.validation:
        number: float | None = arguments.threshold
        return number
    return validation_threshold(evaluate_folders(predicted, arguments.validation[1], arguments.organ))
