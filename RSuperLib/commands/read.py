"""`rsuper read`: what a report says, with the words it says it in."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from RSuperLib.commands.arguments import user_path
from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_whole
from RSuperLib.report import Finding, Reading, load_report, read_report

EXAMPLES = """\
  rsuper read report.txt
  rsuper read report.txt --explain
  pbpaste | rsuper read - --json
  rsuper read reports.jsonl --out readings.jsonl

reports.jsonl holds one report a line: {"id": "7", "text": "CT abdomen: ..."}; other keys are ignored."""

_MANY = (".jsonl", ".ndjson")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "report", type=user_path, metavar="FILE", help="a text file, - for standard input, or many: .jsonl"
    )
    parser.add_argument("--out", type=user_path, metavar="FILE", help="where the readings of many reports go")
    parser.add_argument("--explain", action="store_true", help="also show the rules that fired")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read one report, or many into a file."""
    if arguments.report.suffix in _MANY or arguments.out:
        return _read_file_of_reports(arguments.report, arguments.out)
    name = "" if str(arguments.report) == "-" else arguments.report.stem
    reading = read_report(load_report(arguments.report), name)
    if reading.status == "not_read":
        raise InputError(reading.reason, "Give a CT report in English as plain text.")
    result = reading.model_dump(mode="json")
    return result if arguments.json else {"reading": reading, "explain": arguments.explain}


def describe(result: dict[str, Any]) -> str:
    """The findings with their quotes, then what is said of organs; or how many reports were read."""
    if "reports" in result:
        unread = f", {result['not_read']} of them could not be read" if result["not_read"] else ""
        return f"{result['reports']} reports{unread}; {result['lesions']} lesions. Readings: {result['out']}"
    reading: Reading = result["reading"]
    lines = [line for finding in reading.findings for line in _finding_lines(finding, explain=result["explain"])]
    lines = lines or ["No lesion was read out of this report."]
    return "\n".join([*lines, *_organ_lines(reading)])


def _read_file_of_reports(source: Path, out: Path | None) -> dict[str, Any]:
    if out is None:
        raise InputError("A file of many reports needs a place for the readings.", "Add --out READINGS.jsonl.")
    if _same_file(source, out):
        raise InputError("The readings would overwrite the reports.", "Give --out another name.")
    counts = {"reports": 0, "not_read": 0, "lesions": 0}
    try:
        with source.open(encoding="utf-8-sig", newline="\n") as file:
            write_whole(out, lambda temporary: _write_readings(file, source.name, temporary, counts))
    except UnicodeDecodeError as error:
        raise InputError(f"{source.name} is not a text in UTF-8.", "Save it as UTF-8, one report a line.") from error
    except OSError as error:
        raise InputError(
            f"{source.name} cannot be read ({error.strerror or error}).", "Give a .jsonl file with one report a line."
        ) from error
    return {**counts, "out": str(out)}


def _same_file(source: Path, out: Path) -> bool:
    try:
        return source.samefile(out)
    except OSError:
        return False  # one of them is not there (yet)


def _write_readings(file: TextIO, name: str, path: Path, counts: dict[str, int]) -> None:
    """One reading a line; nothing but the current report is held in memory."""
    seen: set[str] = set()
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for report_id, text in _reports_in(file, name, seen):
            reading = read_report(text, report_id)
            counts["reports"] += 1
            counts["not_read"] += reading.status == "not_read"
            counts["lesions"] += len(reading.lesions)
            out.write(json.dumps(reading.model_dump(mode="json"), ensure_ascii=False) + "\n")


def _reports_in(file: TextIO, name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        where = f"Line {number} of {name}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where} is not JSON.", 'Each line is {"id": "…", "text": "…"}.') from error
        if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
            raise InputError(f"{where} lacks the strings id and text.", 'Each line is {"id": "…", "text": "…"}.')
        if _LONE_SURROGATE.search(row["id"]):  # half a character; no file can hold it
            raise InputError(f"{where} has an id that is not a text.", "Give every report an id of letters and digits.")
        if row["id"] in seen:
            raise InputError(f"{where} repeats an id.", "Give every report its own id.")
        seen.add(row["id"])
        yield row["id"], row["text"]


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
        yield f"    kind {finding.kind} ({finding.type_certainty}); masks {', '.join(finding.organ_masks)}"
        yield f"    rules: {', '.join(finding.rule_ids)}"


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
