"""Reading a report by rules and by a language model, and comparing the two."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from RSuperLib.io.progress import Progress, no_progress, part_of
from RSuperLib.report.assistant.answer import ANSWER_VERSION, Answer, AnswerError, parse_answer
from RSuperLib.report.assistant.compare import combine, compare
from RSuperLib.report.assistant.endpoint import Endpoint, HostConsent
from RSuperLib.report.assistant.exchange import ExchangeError
from RSuperLib.report.assistant.folder import ModelFolder
from RSuperLib.report.assistant.gate import pass_gate
from RSuperLib.report.assistant.prompt import PROMPT_SHA256
from RSuperLib.report.assistant.record import AssistedReading, Provenance
from RSuperLib.report.assistant.text import ReportText
from RSuperLib.report.reader import read_report
from RSuperLib.report.schema import Reading


class Assistant(Protocol):
    """A language model that can be asked for the lesions of a report."""

    model: str
    host: str
    #: How often it is worth asking.
    attempts: int

    def prepare(self, progress: Progress) -> None:
        """Make it ready; raises what `answer` raises."""

    def answer(self, report: str, progress: Progress) -> str:
        """Its answer, unchecked; raises `ExchangeError`, `AnswerError`, or `InputError` where the user can mend it."""


def open_assistant(where: str, model: str = "", allowed_hosts: Collection[str] = ()) -> Assistant:
    """The language model of a folder, or of a server if `where` is an http(s) address.

    Args:
        where: folder or address.
        model: the model's name on the server; a folder has only one.
        allowed_hosts: hosts other than this computer that a person agreed to send reports to.

    Raises:
        InputError: there is no such folder, or reports may not be sent to that host.
    """
    if "://" in where:
        return Endpoint(where, model, [HostConsent(host) for host in allowed_hosts])
    return ModelFolder(Path(where).expanduser())


def read_with_assistant(
    text: str, assistant: Assistant, report_id: str = "", progress: Progress = no_progress
) -> AssistedReading:
    """Read a report by rules and by a language model.

    Where the model gives nothing usable, the result says so and holds the reading of the rules alone.

    Args:
        text: the report as pasted.
        assistant: the model, from `open_assistant`.
        report_id: your name for the report.
        progress: told where the work is; may raise `Cancelled`, between two tokens if the model runs here.

    Raises:
        InputError: the model cannot be loaded, is not on the server, or is in a cloud.
        Cancelled: from `progress`.
    """
    rules = read_report(text, report_id)
    asked = _Question(assistant)
    if rules.status == "not_read":
        return asked.unanswered(rules, f"The report was not sent to the language model. {rules.reason}")
    try:
        answer = asked.ask(text, progress)
    except (ExchangeError, AnswerError) as error:
        return asked.unanswered(rules, f"The language model gave no usable answer. {error}")
    gated = pass_gate(answer, ReportText(text, rules.language))
    rows = compare(rules.findings, gated.findings)
    return AssistedReading(
        status="answered",
        reading=combine(rules, gated.findings, rows),
        model_findings=gated.findings,
        rows=rows,
        unsupported=gated.unsupported,
        provenance=asked.provenance(),
    )


class _Question:
    """One report put to one model, with the record of how it went."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._started = time.monotonic()
        self._attempts = 0
        self._raw_answer = ""

    def ask(self, text: str, progress: Progress) -> Answer:
        """The model's answer; the last attempt's error where none was usable."""
        self._assistant.prepare(part_of(progress, 0.0, 0.2))
        while True:
            self._attempts += 1
            try:
                self._raw_answer = self._assistant.answer(text, part_of(progress, 0.2, 1.0))
                return parse_answer(self._raw_answer, Answer)
            except AnswerError:
                if self._attempts >= self._assistant.attempts:
                    raise

    def unanswered(self, rules: Reading, reason: str) -> AssistedReading:
        """The reading of the rules, and why there is no other."""
        return AssistedReading(
            status="no_answer",
            reason=reason,
            reading=rules,
            rows=compare(rules.findings, []),
            provenance=self.provenance(),
        )

    def provenance(self) -> Provenance:
        """Which model was asked what, and what it said."""
        return Provenance(
            model=self._assistant.model,
            host=self._assistant.host,
            prompt_sha256=PROMPT_SHA256,
            answer_version=ANSWER_VERSION,
            attempts=self._attempts,
            seconds=round(time.monotonic() - self._started, 3),
            raw_answer=self._raw_answer,
        )
