"""`rsuper segment`: tumour masks from a CT and its report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from RSuperLib.commands.arguments import user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.worker import Worker

EXAMPLES = """\
  rsuper segment ct.nii.gz --report report.txt --parts organs.nii.gz --out results
  rsuper segment dicom-folder --report report.txt --parts totalsegmentator-folder --out results

PARTS is a folder of <part>.nii.gz, a label map with a JSON of the same name ({"7": "pancreas"}), or a seg.nrrd;
TotalSegmentator's names are understood. The results lie on the CT's own grid; Docs/files.md describes each."""

SOURCES = ("auto", "model", "finder", "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("ct", type=user_path, metavar="CT", help="NIfTI or NRRD file, or DICOM folder")
    parser.add_argument("--report", type=user_path, metavar="FILE", help="the radiology report, as a text file")
    parser.add_argument("--parts", type=user_path, metavar="PARTS", help="masks of organs and their parts")
    parser.add_argument("--source", choices=SOURCES, default="auto", help="where lesions come from (default: auto)")
    parser.add_argument("--model", metavar="ID", help="a model of `rsuper models list`")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="default: auto")
    parser.add_argument("--out", type=user_path, metavar="DIR", required=True, help="folder for the results")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Segment in the worker process, with a progress bar; Ctrl-C cancels."""
    request = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(arguments).items()
        if name != "json" and value is not None
    }
    with Worker() as worker, progress_bar("starting") as progress:
        result: dict[str, Any] = worker.run("segment", request, progress)
    return result


def describe(result: dict[str, Any]) -> str:
    """What was found, how it agrees with the report, and where the files are."""
    lines = [f"warning: {warning}" for warning in result["warnings"]]
    lines += [_lesion_line(lesion) for lesion in result["lesions"]] or ["No lesion was marked."]
    lines += ["Report and masks:", *(_row_line(row, result["findings"]) for row in result["rows"])]
    lines += [f"{result['seconds']:.1f} s, {result['peak_memory_mb']:.0f} MB. Results: {result['out']}"]
    return "\n".join(lines)


def _lesion_line(lesion: dict[str, Any]) -> str:
    size = " x ".join(f"{diameter:.0f}" for diameter in lesion["diameters_mm"])
    place = ", ".join(lesion["parts"]) or lesion["organ"]
    return f"Lesion {lesion['label']}: {place}, {size} mm, {lesion['volume_mm3'] / 1000:.1f} ml"


def _row_line(row: dict[str, Any], findings: list[dict[str, Any]]) -> str:
    said = {finding["id"]: " ".join(finding["evidence"].split()) for finding in findings}
    quote = said.get(row["finding"] or "", "not in the report")
    lesion = f"lesion {row['lesion']}" if row["lesion"] else "no lesion"
    reasons = f" ({'; '.join(row['reasons'])})" if row["reasons"] else ""
    return f"  {row['state']}: “{_short(quote)}” – {lesion}{reasons}"


def _short(text: str, most: int = 90) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
