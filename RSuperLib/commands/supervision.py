"""`rsuper supervision show CASE`: what masks and report of a case teach, as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RSuperLib.commands.arguments import user_path
from RSuperLib.io import write_json

EXAMPLES = (
    "  rsuper supervision show cases/0001 --out view.png\n"
    "  rsuper supervision show cases/0001 --report-only       as if there were no lesion masks\n"
    "  rsuper supervision show cases/0001 --json"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("action", choices=["show"], help="show: what each voxel of the case is taught")
    parser.add_argument("case", type=user_path, metavar="CASE", help="case folder, see Docs/training.md")
    parser.add_argument("--report-only", action="store_true", help="do not look at lesion masks, as for report cases")
    parser.add_argument("--silence", choices=("unknown", "negative"), default="unknown",
                        help="what an organ means that the report does not mention (default: unknown)")  # fmt: skip
    parser.add_argument("--out", type=user_path, default=Path("teaching.png"), metavar="PNG",
                        help="the picture; a JSON of the same name lies beside it (default: teaching.png)")  # fmt: skip


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw the picture and write the same as JSON."""
    from dataclasses import replace

    from RSuperLib.export.teaching_view import draw_teaching
    from RSuperLib.training.cases import folder_case
    from RSuperLib.training.explain import explain_case

    source = folder_case(arguments.case)
    case = source.load()
    if arguments.report_only:
        case = replace(case, annotation=None)
    organs = explain_case(case, arguments.silence)
    voxel_ml = case.ct.grid.voxel_volume_mm3 / 1000
    result = {"case": source.id, "organs": [organ.as_json(voxel_ml) for organ in organs]}
    draw_teaching(arguments.out, source.id, case.ct, organs)
    write_json(arguments.out.with_suffix(".json"), result)
    return {**result, "picture": str(arguments.out)}


def describe(result: dict[str, Any]) -> str:
    """A line an organ, and where the picture is."""
    lines = [
        f"{one['organ']}: {len(one['lesions'])} lesions looked for, {one['ml']['searched']} ml searched, "
        f"{one['ml']['lesion_by_mask']} ml drawn. {' '.join(one['notes'])}".rstrip()
        for one in result["organs"]
    ]
    return "\n".join([*lines, f"Look at {result['picture']}."])
