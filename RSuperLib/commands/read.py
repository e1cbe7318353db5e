"""`rsuper read`: what a report says, with the words it says it in."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from RSuperLib.commands import read_assistant, read_many
from RSuperLib.commands.arguments import user_path
from RSuperLib.io.errors import InputError
from RSuperLib.report import Finding, Reading, load_report, read_report
from RSuperLib.report.reasons import Explanation
from RSuperLib.report.reasons import explain as explain_finding

EXAMPLES = """\
  rsuper read report.txt
  rsuper read report.txt --explain
  pbpaste | rsuper read - --json
  rsuper read reports.jsonl --out readings.jsonl --jobs 2
  rsuper read reports.csv --out readings.jsonl --per-tumour tumours.csv --per-ct cts.csv
  rsuper read tumours.csv
  rsuper read report.txt --assistant models/my-model

reports.jsonl holds one report a line: {"id": "7", "text": "CT abdomen: ..."}; other keys are ignored. reports.csv has
columns id and text. tumours.csv is a per-tumour or per-CT table, ours or a published one (Docs/tables.md)."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "report", type=user_path, metavar="FILE", help="a text file, - for standard input, or many: .jsonl, .csv"
    )
    parser.add_argument("--explain", action="store_true", help="also show the words and the rule behind every value")
    read_many.add_arguments(parser)
    read_assistant.add_arguments(parser)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read one report, or many into a file."""
    if read_many.is_asked_for(arguments):
        read_assistant.refuse_many(arguments)
        return read_many.run(arguments)
    name = "" if str(arguments.report) == "-" else arguments.report.stem
    text = load_report(arguments.report)
    reading = read_report(text, name)
    if reading.status == "not_read":
        raise InputError(reading.reason, "Give one CT report in English or Dutch as plain text.")
    if arguments.assistant is not None:
        assisted = read_assistant.run(text, name, arguments)
        shown = {"reading": assisted.reading, "explain": arguments.explain, "assisted": assisted}
        return assisted.model_dump(mode="json") if arguments.json else shown
    result = reading.model_dump(mode="json")
    return result if arguments.json else {"reading": reading, "explain": arguments.explain}


def describe(result: dict[str, Any]) -> str:
    """The findings with their quotes, then what is said of organs; or how many reports were read."""
    if "reading" not in result:
        return read_many.describe(result)
    reading: Reading = result["reading"]
    lines = [line for finding in reading.findings for line in _finding_lines(finding, explain=result["explain"])]
    lines = lines or ["No lesion was read out of this report."]
    lines += _organ_lines(reading)
    return "\n".join([*lines, *(read_assistant.describe(result["assisted"]) if "assisted" in result else [])])


def _finding_lines(finding: Finding, *, explain: bool) -> Iterator[str]:
    place = " ".join([finding.laterality or "", finding.organ.replace("_", " "), ", ".join(finding.parts)])
    size = " x ".join(f"{diameter:g}" for diameter in finding.diameters_mm)
    size = {"upper_bound": "up to ", "lower_bound": "at least "}.get(finding.size_kind, "") + size if size else ""
    many = str(finding.count or "several") if finding.multiplicity == "multiple" else ""
    facts = [many, finding.kind_text or finding.kind, f"{size} mm" if size else "no size", finding.attenuation or ""]
    state: str = "" if finding.presence == "present" else finding.presence
    state = finding.temporality if finding.temporality != "current" else state
    yield f"{finding.lesion_id}: {' '.join(place.split())}: {', '.join(fact for fact in [*facts, state] if fact)}"
    for evidence in finding.evidence:
        yield f'    "{" ".join(evidence.text.split())}" ({evidence.section}, {evidence.start}-{evidence.end})'
    for flag in finding.flags:
        yield f"    please check: {flag.replace('_', ' ')}"
    if explain:
        yield from map(_explanation_line, explain_finding(finding))
        yield f"    masks: {', '.join(finding.organ_masks)}"


def _explanation_line(explanation: Explanation) -> str:
    """`    organ liver: "LIVER"; The heading names the organ. (0.90)`"""
    words = ", ".join(f'"{" ".join(words.split())}"' for words in explanation.words)
    sure = f"({explanation.confidence:.2f})" if explanation.confidence is not None else ""
    said = " ".join(filter(None, [words, *explanation.rules, sure]))
    return f"    {explanation.field.removesuffix('_mm').replace('_', ' ')} {explanation.value}: {said}"


def _organ_lines(reading: Reading) -> Iterator[str]:
    for status, words in (("normal", "Normal"), ("no_lesion", "Said to hold no lesion"), ("absent", "Removed")):
        organs = [
            " ".join(
                [organ.laterality or "", organ.organ.replace("_", " "), f"({organ.region})" if organ.region else ""]
            )
            for organ in reading.organs
            if organ.status == status
        ]
        if organs:
            yield f"{words}: {', '.join(dict.fromkeys(organ.strip() for organ in organs))}"
    yield "Of all other organs the report says nothing."
