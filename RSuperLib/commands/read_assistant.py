"""`rsuper read --assistant`: a report read with a language model's help, and what rules and model agree on."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from RSuperLib.commands.progress import progress_bar
from RSuperLib.io.errors import InputError
from RSuperLib.worker import Worker

if TYPE_CHECKING:
    from RSuperLib.report.assistant import AssistedReading
    from RSuperLib.report.assistant.record import Row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the language model."""
    group = parser.add_argument_group("language model", "a second reader beside the rules (Docs/assistant.md)")
    group.add_argument("--assistant", metavar="MODEL", help="folder of a model, or http address of a model server")
    group.add_argument("--assistant-model", metavar="NAME", default="", help="which model of the server")
    group.add_argument(
        "--allow-host", metavar="HOST", action="append", default=[],
        help="let the text of the report leave this computer for this one host",
    )  # fmt: skip


def refuse_many(arguments: argparse.Namespace) -> None:
    """Refuse what a model is too slow for.

    Raises:
        InputError: a model is named, but many reports are to be read.
    """
    if arguments.assistant is not None:
        raise InputError("A language model reads one report at a time.", "Give a text file, or leave out --assistant.")


def run(text: str, name: str, arguments: argparse.Namespace) -> AssistedReading:
    """Read in the worker process, with a progress bar; Ctrl-C cancels between two tokens."""
    if not arguments.assistant.strip():  # as an unset variable of a script is; the folder at hand is not meant
        raise InputError("No language model is named.", "Give --assistant a folder or an address, or leave it out.")
    from RSuperLib.report.assistant import AssistedReading  # here, so that reading by rules does not wait for it

    where = arguments.assistant.strip()
    request = {
        "text": text,
        "report_id": name,
        # Absolute, because the worker may run elsewhere.
        "assistant": where if "://" in where else str(Path(where).expanduser().absolute()),
        "model": arguments.assistant_model,
        "allowed_hosts": arguments.allow_host,
    }
    with Worker() as worker, progress_bar("starting") as progress:
        return AssistedReading.model_validate(worker.run("assist", request, progress))


def describe(assisted: AssistedReading) -> Iterator[str]:
    """The lines that follow a reading: who read it, where the two agree, what was dropped."""
    yield ""
    if assisted.status == "no_answer":
        yield f"{assisted.reason} This is the reading of the rules alone."
        return
    host = f" at {assisted.provenance.host}" if assisted.provenance.host else ""
    yield f"Rules and language model ({assisted.provenance.model}{host}):"
    if not assisted.model_findings:
        yield "  The model listed no lesion that the report bears out."
    for row in assisted.rows:
        yield from _row_lines(row)
    for dropped in assisted.unsupported:
        yield f"  dropped: {dropped.finding}, {dropped.field} “{dropped.value}”: {dropped.reason}"
    yield f"Ready for training: {len(assisted.ready_for_training)} of {len(assisted.reading.findings)} findings."


def _row_lines(row: Row) -> Iterator[str]:
    names = " = ".join(name for name in (row.rules, row.model) if name)
    yield f"  {row.state}: {names}"
    for name, field in row.fields.items():
        if field.state == "conflict":
            yield f"      {name}: the rules read “{field.rules}”, the model “{field.model}”"
        elif field.state != "agree":
            yield f"      {name}: {field.state}, “{field.rules or field.model}”"
