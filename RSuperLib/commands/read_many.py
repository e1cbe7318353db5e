"""`rsuper read` with a file of many reports or readings, or with a table."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from RSuperLib.commands.arguments import output_file
from RSuperLib.commands.progress import progress_bar
from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_whole
from RSuperLib.io.progress import Progress, part_of
from RSuperLib.report.batch import read_batch, same_file, skipped_list
from RSuperLib.report.collection import is_table
from RSuperLib.report.tables import (
    holds_readings,
    is_ct_table,
    is_tumour_table,
    read_ct_table,
    read_tumour_table,
    write_tables,
)
from RSuperLib.report.tables.cells import header_of

_MANY = (".jsonl", ".ndjson", ".csv", ".tsv")
#: Flags of values that a published table has and that cannot be.
_IMPOSSIBLE = frozenset({"size_not_possible", "organ_not_known"})
#: Share of the time that reading takes where tables follow.
_READING_SHARE = 0.95


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what many reports need."""
    many = parser.add_argument_group("many reports")
    many.add_argument("--out", type=output_file, metavar="FILE", help="where the readings of many reports go (.jsonl)")
    many.add_argument("--jobs", type=int, default=1, metavar="N", help="processes that read (default 1; 0: all cores)")
    many.add_argument("--keep-going", action="store_true", help="leave out broken lines and list them in a file")
    many.add_argument("--restart", action="store_true", help="begin again instead of going on after a stopped run")
    tables = parser.add_argument_group("tables of R-Super (Docs/tables.md)")
    tables.add_argument("--per-tumour", type=output_file, metavar="CSV", help="also write one row per tumour")
    tables.add_argument("--per-ct", type=output_file, metavar="CSV", help="also write one row per CT")
    tables.add_argument("--ids", type=output_file, metavar="CSV", help="your ids and BDMAP ids; kept and added to")
    tables.add_argument("--with-report-text", action="store_true", help="put the reports into the per-tumour table")
    tables.add_argument(
        "--training-names", action="store_true", help="organs as the published training code spells them: adrenal_gland"
    )


def is_asked_for(arguments: argparse.Namespace) -> bool:
    """Whether the command is about many reports."""
    wanted = (arguments.out, arguments.per_tumour, arguments.per_ct)
    return arguments.report.suffix.lower() in _MANY or any(path is not None for path in wanted)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read every report of a file, or write the tables of a file of readings, or check a table."""
    if str(arguments.report) == "-":
        raise InputError("Many reports cannot come from standard input.", "Give the name of a .jsonl or .csv file.")
    header = header_of(arguments.report) if is_table(arguments.report) else []
    if is_tumour_table(header) or is_ct_table(header):
        return _read_table(arguments, header)
    _check_names(arguments)
    if holds_readings(arguments.report):
        return _write_tables_of_readings(arguments)
    if arguments.out is None:
        raise InputError("A file of many reports needs a place for the readings.", "Add --out READINGS.jsonl.")
    if arguments.jobs < 0:
        raise InputError("The number of jobs is negative.", "Give --jobs a number such as 2, or 0 for all cores.")
    tables = arguments.per_tumour or arguments.per_ct
    with progress_bar("reading reports") as progress:
        batch = read_batch(
            arguments.report,
            arguments.out,
            jobs=arguments.jobs or os.cpu_count() or 1,
            keep_going=arguments.keep_going,
            restart=arguments.restart,
            progress=part_of(progress, 0, _READING_SHARE if tables else 1),
        )
        written = _tables(arguments, arguments.out, part_of(progress, _READING_SHARE, 1))
    return {**asdict(batch), "out": str(arguments.out), **written}


def _write_tables_of_readings(arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.per_tumour and not arguments.per_ct:
        raise InputError("The file holds readings.", "Add --per-tumour CSV or --per-ct CSV, or give a file of reports.")
    if arguments.out or arguments.with_report_text:
        raise InputError("The file holds readings, not reports.", "Leave out --out and --with-report-text.")
    with progress_bar("writing tables") as progress:
        return _tables(arguments, arguments.report, progress)


def _tables(arguments: argparse.Namespace, readings: Path, progress: Progress) -> dict[str, Any]:
    return write_tables(
        readings,
        per_tumour=arguments.per_tumour,
        per_ct=arguments.per_ct,
        ids=arguments.ids,
        reports=arguments.report if arguments.with_report_text else None,
        underscores=arguments.training_names,
        progress=progress,
    )


def _check_names(arguments: argparse.Namespace) -> None:
    paths = [arguments.report, arguments.out, arguments.per_tumour, arguments.per_ct, arguments.ids]
    named = [path for path in paths if path is not None]
    for number, path in enumerate(named):
        if any(path.absolute() == other.absolute() or same_file(path, other) for other in named[:number]):
            raise InputError(f"The command would overwrite {path.name}, which it names twice.", "Give another name.")


def _read_table(arguments: argparse.Namespace, header: list[str]) -> dict[str, Any]:
    """Check a table and say what is in it; with `--out`, its cases as JSON lines."""
    source, out = arguments.report, arguments.out
    if out is not None and same_file(source, out):
        raise InputError("The cases would overwrite the table.", "Give --out another name.")
    counts: Counter[str] = Counter()
    lines = _tumour_lines(source, counts) if is_tumour_table(header) else _ct_lines(source, counts)
    if out is None:
        for _line in lines:
            pass
    else:
        write_whole(out, lambda temporary: _save(temporary, lines))
    organs = {name.removeprefix("in "): number for name, number in sorted(counts.items()) if name.startswith("in ")}
    return {
        "table": "per tumour" if is_tumour_table(header) else "per CT", "cases": counts["cases"],
        "no_lesion": counts["no_lesion"], "lesions": sum(organs.values()), "organs": organs,
        "flagged": counts["flagged"], "out": str(out) if out else None,
    }  # fmt: skip


def _save(path: Path, lines: Iterator[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def _tumour_lines(source: Path, counts: Counter[str]) -> Iterator[str]:
    for case in read_tumour_table(source):
        counts["cases"] += 1
        counts["no_lesion"] += case.no_lesion
        counts["flagged"] += sum(not _IMPOSSIBLE.isdisjoint(lesion.flags) for lesion in case.lesions)
        counts.update(f"in {lesion.organ}" for lesion in case.lesions)
        yield case.model_dump_json()


def _ct_lines(source: Path, counts: Counter[str]) -> Iterator[str]:
    for row in read_ct_table(source):
        counts["cases"] += 1
        counts["no_lesion"] += row.no_lesion is True
        counts.update({f"in {organ}": said.instances for organ, said in row.organs.items()})
        yield row.model_dump_json()


def describe(result: dict[str, Any]) -> str:
    """How many reports were read, and what was left out; or what a table holds."""
    if "table" in result:
        return _describe_table(result)
    lines = _describe_readings(result) if "reports" in result else []
    for name in ("per_tumour", "per_ct"):
        if name in result:
            lines += _describe_written(result[name])
    if "ids" in result:
        lines.append(f"Your ids and those of the tables: {result['ids']}")
    return "\n".join(lines)


def _describe_readings(result: dict[str, Any]) -> list[str]:
    unread = f", {result['not_read']} of them could not be read" if result["not_read"] else ""
    read = f"{_counted(result['reports'], 'report')}{unread}; {_counted(result['lesions'], 'lesion')}"
    lines = [f"{read}. Readings: {result['out']}"]
    if result["resumed"]:
        lines.append(f"{result['resumed']} of the readings were there from a run that had been stopped.")
    if result["skipped"]:
        listed = skipped_list(Path(result["out"]))
        lines.append(f"{_counted(result['skipped'], 'broken line')} left out; see {listed}.")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _describe_written(written: dict[str, Any]) -> list[str]:
    lines = [f"{written['rows']} rows of {written['cases']} CTs: {written['table']}"]
    if written["left_out"]:
        what = f"{written['left_out_reports']} reports and {written['left_out_lesions']} lesions are not in it"
        lines.append(f"{what}; they are listed with the reason in {written['left_out']}.")
    return lines


def _describe_table(result: dict[str, Any]) -> str:
    lines = [
        f"{result['cases']} CTs ({result['table']}), {result['no_lesion']} of them without a lesion; "
        f"{result['lesions']} lesions:",
        *(f"  {organ.replace('_', ' '):<20} {number}" for organ, number in result["organs"].items() if number),
    ]
    if result["flagged"]:
        lines.append(f"{result['flagged']} lesions have a value that cannot be; it was taken for unknown.")
    if result["out"]:
        lines.append(f"Cases: {result['out']}")
    return "\n".join(lines)
