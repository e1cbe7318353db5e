"""Many reports without identifiers: JSON lines in, JSON lines out, one report in memory at a time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_whole
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.report.collection import survey
from RSuperLib.report.deidentify.salt import Salt
from RSuperLib.report.deidentify.scrub import scrub


@dataclass(frozen=True)
class ScrubbedFile:
    """What became of a file.

    Attributes:
        reports: texts without identifiers that were written.
        refused: reports that were left out, because they are no text in a language whose identifiers are known.
        changes: in all texts.
    """

    reports: int
    refused: int
    changes: int


def scrub_file(source: Path, out: Path, salt: Salt, progress: Progress = no_progress) -> ScrubbedFile:
    """Write `{"id", "patient", "text"}` for every report of a .jsonl; ids become local ones, other keys are left out.

    The dates of all reports with one `patient` move alike; a report without that key is a patient of its own.

    Raises:
        InputError: the file cannot be read, or a line of it holds no report.
        RSuperError: the result cannot be written; nothing is then.
    """
    found = survey(source)
    if found.broken:
        first = found.broken[0]
        raise InputError(f"Line {first.line} of {source.name} {first.problem}.", first.next_step)
    counts: Counter[str] = Counter()
    write_whole(out, lambda temporary: _write(_rows(source, found.reports, progress), temporary, salt, counts))
    return ScrubbedFile(counts["reports"], counts["refused"], counts["changes"])


def _rows(source: Path, total: int, progress: Progress) -> Iterator[dict[str, Any]]:
    with source.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(line for line in file if line.strip()):
            progress("hiding identifiers", number / total)
            yield json.loads(line)


def _write(rows: Iterator[dict[str, Any]], out: Path, salt: Salt, counts: Counter[str]) -> None:
    with out.open("w", encoding="utf-8") as file:
        for row in rows:
            patient = str(row.get("patient") or row["id"])
            try:
                scrubbed = scrub(row["text"], salt.date_shift(patient))
            except InputError:  # in another language, or no text: the rest of the file is not lost for it
                counts["refused"] += 1
                continue
            ids = {"id": salt.local_id("report", row["id"]), "patient": salt.local_id("patient", patient)}
            file.write(json.dumps({**ids, "text": scrubbed.text}, ensure_ascii=False) + "\n")
            counts.update(reports=1, changes=len(scrubbed.changes))
