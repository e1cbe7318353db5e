"""`rsuper deidentify`: the text of a report without identifiers, or its reading without text."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from RSuperLib.commands.arguments import output_file, user_path
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io.errors import Cancelled, InputError
from RSuperLib.io.files import write_bytes, write_json
from RSuperLib.report import load_report, read_report
from RSuperLib.report.deidentify import (
    NOTICE,
    SALT_FILE,
    Salt,
    Scrubbed,
    TokenTagger,
    change_lines,
    marked_text,
    project_salt,
    scrub,
    scrub_file,
    summary,
    without_text,
)  # fmt: skip

EXAMPLES = """\
  rsuper deidentify report.txt --preview
  rsuper deidentify report.txt --patient 4711 --project study --out scrubbed.txt
  rsuper deidentify report.txt --attributes --out reading.json
  rsuper deidentify reports.jsonl --out clean.jsonl --yes

--preview marks every change as [-old-]{+new+}. Dates of one --patient all move by the same secret number of weeks.
reports.jsonl holds one report a line: {"id": "7", "patient": "4711", "text": "CT: ..."}; patient may be left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("report", type=user_path, metavar="FILE", help="a report as text, or - for standard input")
    parser.add_argument("--preview", action="store_true", help="show the text with its changes marked")
    parser.add_argument("--attributes", action="store_true", help="findings with places, without any report text")
    parser.add_argument("--out", type=output_file, metavar="FILE", help="where the result goes")
    parser.add_argument("--yes", action="store_true", help="write without asking; the changes were looked through")
    parser.add_argument("--patient", metavar="ID", help="whose report it is, so that all dates of a patient move alike")
    parser.add_argument(
        "--project", type=user_path, default=Path(), metavar="FOLDER",
        help=f"folder that keeps the secret salt ({SALT_FILE}, made once; never share it); default: this folder",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=user_path, metavar="FOLDER", help="a token classifier of yours, used besides the rules"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Scrub one report, or take its attributes; write only what a person agreed to."""
    name = "report" if str(arguments.report) == "-" else arguments.report.stem
    if arguments.out and _is_same(arguments.report, arguments.out):
        raise InputError("The result would overwrite the report.", "Give --out another name.")
    if arguments.report.suffix.lower() == ".jsonl":
        return _many(arguments)
    text = load_report(arguments.report)
    salt = project_salt(arguments.project)
    if arguments.attributes:
        return _attributes(text, name, salt, arguments)
    more = TokenTagger(arguments.model).changes(text) if arguments.model else []
    scrubbed = scrub(text, salt.date_shift(arguments.patient or name), more)
    if arguments.out:
        _confirm(scrubbed, arguments)
        write_bytes(arguments.out, scrubbed.text.encode())
    return _result(scrubbed, arguments)


def describe(result: dict[str, Any]) -> str:
    """The scrubbed text, or the marked one with a list of changes, and what it is worth."""
    if "reports" in result:
        left = f", {result['refused']} left out (not in English or Dutch, or no report)" if result["refused"] else ""
        said = f"{result['reports']} reports, {result['changes']} changes{left}: {result['out']}"
        return f"{said}\n{NOTICE}"
    if "reading" in result:
        where = result["out"] or "add --out FILE or --json to have them"
        return f"{len(result['reading']['findings'])} findings, without report text: {where}"
    shown = "" if result["out"] and not result["preview"] else result["preview"] or result["text"]
    where = f"\nWritten: {result['out']}" if result["out"] else ""
    return f"{shown}\n{result['summary']}{where}\n{NOTICE}".lstrip("\n")


def _many(arguments: argparse.Namespace) -> dict[str, Any]:
    """Every report of a file; a person cannot look through them one by one, and says so beforehand."""
    if arguments.preview or arguments.attributes or arguments.model or arguments.patient:
        raise InputError("Many reports take --out, --yes and --project only.", "Give one report as a text file.")
    if not (arguments.out and arguments.yes):
        raise InputError("Nobody can look through many reports here.", "Try some with --preview, then add --out --yes.")
    with progress_bar("hiding identifiers") as progress:
        done = scrub_file(arguments.report, arguments.out, project_salt(arguments.project), progress)
    return {**asdict(done), "out": str(arguments.out), "notice": NOTICE}


def _attributes(text: str, name: str, salt: Salt, arguments: argparse.Namespace) -> dict[str, Any]:
    reading = without_text(read_report(text, name), salt).model_dump(mode="json")
    if arguments.out:
        write_json(arguments.out, reading)
    return {"reading": reading, "out": str(arguments.out or "")}


def _result(scrubbed: Scrubbed, arguments: argparse.Namespace) -> dict[str, Any]:
    preview = "\n".join([marked_text(scrubbed.original, scrubbed.changes), "", *change_lines(scrubbed.changes)])
    return {
        "text": scrubbed.text,
        "language": scrubbed.language,
        "changes": [change.as_json() for change in scrubbed.changes],
        "preview": preview if arguments.preview else "",
        "summary": summary(scrubbed.changes),
        "out": str(arguments.out or ""),
        "notice": NOTICE,
    }


def _confirm(scrubbed: Scrubbed, arguments: argparse.Namespace) -> None:
    """Show the changes and ask; without a person to ask, `--yes` must say that somebody looked.

    Raises:
        InputError: nobody can be asked.
        Cancelled: the person said no.
    """
    if arguments.yes:
        return
    if not sys.stdin.isatty() or str(arguments.report) == "-" or arguments.json:
        raise InputError("Nobody can be asked to confirm the changes.", "Look at --preview, then add --yes.")
    shown = marked_text(scrubbed.original, scrubbed.changes)
    print(shown, "", *change_lines(scrubbed.changes), NOTICE, sep="\n", file=sys.stderr)  # noqa: T201 - the question
    if input("Write the text with these changes? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Cancelled


def _is_same(report: Path, out: Path) -> bool:
    return out.exists() and report.exists() and report.samefile(out)
