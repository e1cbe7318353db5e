"""`rsuper read` as a user meets it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from RSuperLib.cli import main
from RSuperLib.report import Reading


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "case 7.txt"
    path.write_text("Liver: 2.3 cm mass in segment VII.\nSpleen: Unremarkable.\n", "utf-8")
    return path


def test_the_findings_are_shown_with_their_words(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(report), "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "lesion 1: liver segment 7: mass, 23 mm" in shown
    assert '"2.3 cm mass in segment VII." (findings, 7-34)' in shown
    assert "liver_segment_7" in shown
    assert 'parts segment 7: "segment VII" The words around the lesion name the part.' in shown
    assert 'diameters 23: "2.3 cm" A size as written. (0.98)' in shown
    assert "Normal: spleen" in shown


def test_json_is_a_reading(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(report), "--json"]) == 0
    reading = Reading.model_validate_json(capsys.readouterr().out)
    assert reading.id == "case 7"
    assert reading.findings[0].diameters_mm == [23]


def test_a_report_may_come_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A 5 mm nodule in the left lung."), "utf-8"))
    assert main(["read", "-"]) == 0
    assert "left lung: nodule, 5 mm" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n\t\n", "is empty"),
        (b"liver\x00\x01\x02 mass", "not a text"),
        (b"\xff\xd8\xff\xe0" * 50, "not a text in UTF-8"),
        (b"The liver is normal. " * 50_000, "too long"),
        ("Keine Raumforderung in der Leber, die Nieren sind unauffällig.".encode(), "language"),
    ],
    ids=["empty", "blank", "binary", "undecodable", "1 MB", "German"],
)
def test_what_is_no_report_ends_with_one_plain_sentence(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(content)
    assert main(["read", str(path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "none.txt")]) == 2
    assert "none.txt" in capsys.readouterr().err


def _write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_many_reports_become_one_reading_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "a", "text": "A 5 mm nodule in the left lung.", "other": 1},
        {"id": "b", "text": "Keine Auffälligkeiten der Leber und der Nieren."},
    ]
    source = _write_lines(tmp_path / "reports.jsonl", [json.dumps(row) for row in rows])
    out = tmp_path / "readings.jsonl"
    assert main(["read", str(source), "--out", str(out)]) == 0
    read, unread = [Reading.model_validate_json(line) for line in out.read_text("utf-8").splitlines()]
    assert (read.id, read.findings[0].laterality) == ("a", "left")
    assert (unread.id, unread.status, unread.organs) == ("b", "not_read", [])
    assert "2 reports, 1 of them could not be read" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json", "Line 2 of reports.jsonl is not JSON"),
        ("[" * 100_000, "Line 2 of reports.jsonl is not JSON"),
        ('["a"]', "Line 2 of reports.jsonl lacks"),
        ('{"id": 3, "text": "x"}', "Line 2 of reports.jsonl lacks"),
        ('{"id": "a", "text": "x"}', "Line 2 of reports.jsonl repeats an id"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(
    line: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": "a", "text": "The liver is normal."}', line])
    assert main(["read", str(source), "--out", str(tmp_path / "readings.jsonl")]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["reports.jsonl"]


def test_readings_never_overwrite_the_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": "a", "text": "The liver is normal."}'])
    assert main(["read", str(source), "--out", str(tmp_path / "." / "reports.jsonl")]) == 2
    assert "overwrite" in capsys.readouterr().err
    assert "The liver is normal." in source.read_text()


def test_many_reports_need_a_place_for_the_readings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": "a", "text": "The liver is normal."}'])
    assert main(["read", str(source)]) == 2
    assert "--out" in capsys.readouterr().err


def test_an_id_that_no_file_can_hold_is_one_plain_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "reports.jsonl", tmp_path / "readings.jsonl"
    source.write_text(json.dumps({"id": "\ud800", "text": "The liver shows a 12 mm cyst."}))
    assert main(["read", str(source), "--out", str(out)]) == 2
    assert "Line 1 of reports.jsonl has an id that is not a text" in capsys.readouterr().err
    assert not out.exists()


def test_a_quoted_report_does_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.txt"
    path.write_bytes(b"There is a 12 mm cyst \x1b]0;owned\x07 in the liver. The spleen is normal.")
    assert main(["read", str(path)]) == 0
    shown = capsys.readouterr().out
    assert not {"\x1b", "\x07"} & set(shown)
    assert r"\x1b]0;owned\x07" in shown


@pytest.mark.parametrize("option", ["--out", "--per-tumour", "--per-ct"])
def test_a_folder_is_never_taken_for_the_file_to_write(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": "a", "text": "The liver is normal."}'])
    (tmp_path / "folder").mkdir()
    assert main(["read", str(source), option, str(tmp_path / "folder")]) == 2
    assert "is a folder, not a file" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"reports.jsonl", "folder"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes with names in folders")
def test_what_is_no_file_is_never_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": "a", "text": "The liver is normal."}'])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert main(["read", str(source), "--out", str(pipe)]) == 2
    assert main(["deidentify", str(source), "--out", str(pipe), "--yes"]) == 2
    assert pipe.is_fifo()
    assert capsys.readouterr().err.count("is a device, not a file") == 2


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_reports_is_said_to_be_one(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "reports.jsonl"
    source.write_text(content)
    assert main(["read", str(source), "--out", str(tmp_path / "readings.jsonl")]) == 2
    assert "reports.jsonl holds no report" in capsys.readouterr().err


def test_a_report_without_an_id_is_a_broken_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _write_lines(tmp_path / "reports.jsonl", ['{"id": " ", "text": "The liver is normal."}'])
    assert main(["read", str(source), "--out", str(tmp_path / "readings.jsonl")]) == 2
    assert "Line 1 of reports.jsonl has no id" in capsys.readouterr().err


def test_many_reports_do_not_come_from_standard_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", "-", "--out", str(tmp_path / "readings.jsonl")]) == 2
    assert "standard input" in capsys.readouterr().err


def test_the_name_of_a_file_does_not_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(tmp_path / "a\x1b[31m\nb.txt")]) == 2
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert error.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_answer_that_cannot_be_printed_is_one_plain_sentence(options: list[str], report: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "RSuperLib.cli", "read", str(report), *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "rsuper: The answer could not be printed (No space left on device). Check that the disk has space."
    ]
