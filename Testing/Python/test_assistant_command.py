"""`rsuper read --assistant` and the worker's job, as a user meets them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tiny_language_model import parrot, rambler

from RSuperLib.cli import main
from RSuperLib.io.errors import Cancelled
from RSuperLib.report.assistant import AssistedReading
from RSuperLib.worker import Worker

REPORT = "FINDINGS: Liver: There is a 2.3 cm hypodense mass in segment VII. Spleen: Normal.\n"
REPLY = json.dumps({"lesions": [{
    "evidence": "There is a 2.3 cm hypodense mass in segment VII.", "organ": "liver", "side": "not_stated",
    "place_quote": "segment VII", "size_quote": "2.3 cm", "kind": "tumour", "attenuation": "hypo",
    "presence": "present", "time": "current",
}]}, separators=(",", ":"))  # fmt: skip


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return parrot(tmp_path_factory.mktemp("models") / "tiny-reader", {"CT report": REPLY})


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rambler(tmp_path_factory.mktemp("models") / "tiny-rambler")


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "case.txt"
    path.write_text(REPORT, encoding="utf-8")
    return path


def test_agreement_is_shown(report: Path, reader: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(report), "--assistant", str(reader)]) == 0
    shown = capsys.readouterr().out
    assert "lesion 1: liver segment 7: mass, 23 mm" in shown
    assert "Rules and language model (tiny-reader):" in shown
    assert "agree: lesion 1 = model 1" in shown
    assert "Ready for training: 1 of 1 findings." in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--assistant", "http://llm.example.org/v1"], "is not this computer"),
    ],
)
def test_what_cannot_be_asked_ends_with_exit_code_2(
    words: list[str], said: str, report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(report), *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "mass" not in error


def test_many_reports_are_for_the_rules(tmp_path: Path, reader: Path) -> None:
    reports = tmp_path / "reports.jsonl"
    reports.write_text('{"id": "1", "text": "Liver: normal."}\n', encoding="utf-8")
    words = ["read", str(reports), "--out", str(tmp_path / "out.jsonl"), "--assistant", str(reader)]
    assert main(words) == 2


def test_the_worker_reads_and_stops_between_tokens(reader: Path, endless: Path) -> None:
    """After a cancelled job it answers the next one at once, which it could not if the model went on writing."""
    started: list[str] = []

    def cancel_when_it_writes(stage: str, _fraction: float) -> None:
        started.append(stage)
        if stage == "the language model writes":
            raise Cancelled

    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with Worker(environment=environment) as worker:
        result = worker.run("assist", {"text": REPORT, "assistant": str(reader), "report_id": "case"})
        assert AssistedReading.model_validate(result).reading.id == "case"
        with pytest.raises(Cancelled):
            worker.run("assist", {"text": REPORT, "assistant": str(endless)}, cancel_when_it_writes)
        assert worker.run("ping", {})["pid"]
    assert started[-1] == "the language model writes"


def test_a_model_without_a_name_is_not_silently_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.txt"
    path.write_text("The liver has a 5 mm mass.")
    assert main(["read", str(path), "--assistant", " "]) == 2
    assert "No language model is named." in capsys.readouterr().err
