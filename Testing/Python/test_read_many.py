"""Many reports: in order, in a stream, from where a killed run stopped, and with whatever lines a file may have."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from RSuperLib.cli import main
from RSuperLib.io.errors import Cancelled, InputError
from RSuperLib.report import Reading, batch, read_report
from RSuperLib.report.batch import read_batch
from RSuperLib.report.collection import BrokenLine, Report, lines_of
from RSuperLib.report.known_ids import KnownIds

MANY = 1000
ORGANS = ("liver", "spleen", "left kidney", "pancreas")


def text_of(number: int) -> str:
    return f"Findings: There is a {number % 60 + 4} mm mass in the {ORGANS[number % 4]}. The stomach is normal."


def write_reports(path: Path, count: int) -> Path:
    lines = (json.dumps({"id": f"case {n}", "text": text_of(n)}) for n in range(count))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_reports(tmp_path / "reports.jsonl", 200)


@cache
def expected(count: int) -> list[str]:
    readings = (read_report(text_of(n), f"case {n}") for n in range(count))
    return [json.dumps(reading.model_dump(mode="json"), ensure_ascii=False) for reading in readings]


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("jobs", [1, 2])
def test_readings_stand_in_the_order_of_the_reports(jobs: int, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"
    done = read_batch(source, out, jobs=jobs)
    assert lines(out) == expected(200)
    assert (done.reports, done.lesions, done.not_read, done.resumed) == (200, 200, 0, 0)
    assert files(tmp_path) == {"reports.jsonl", "readings.jsonl"}


def start(source: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "RSuperLib.cli", "read", str(source), "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_bytes(path: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and path.stat().st_size > size:
            return
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()[1].decode()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_that_was_killed_goes_on_and_ends_the_same(jobs: str, tmp_path: Path) -> None:
    source, out = write_reports(tmp_path / "reports.jsonl", MANY), tmp_path / "readings.jsonl"
    partial = tmp_path / "readings.jsonl.partial"
    chance = random.Random(int(jobs))  # noqa: S311 - no secret
    kept = 0
    for _kill in range(2):
        process = start(source, out, "--jobs", jobs)
        wait_for_bytes(partial, kept + chance.randrange(200_000), process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.communicate()
        assert not out.exists()
        kept = partial.stat().st_size
    done = read_batch(source, out)
    assert done.reports == MANY
    assert 0 < done.resumed < MANY
    assert lines(out) == expected(MANY)
    assert files(tmp_path) == {"reports.jsonl", "readings.jsonl"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT between processes")
def test_ctrl_c_keeps_what_was_read(tmp_path: Path) -> None:
    source, out = write_reports(tmp_path / "reports.jsonl", MANY), tmp_path / "readings.jsonl"
    process = start(source, out, "--jobs", "2")
    wait_for_bytes(tmp_path / "readings.jsonl.partial", 10_000, process)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.decode().splitlines() == ["rsuper: Cancelled."]
    assert read_batch(source, out).resumed > 0
    assert lines(out) == expected(MANY)


def interrupted(source: Path, out: Path, *, after: float = 0.5) -> Path:
    """The file of a run that was stopped on its way."""

    def stop(_stage: str, fraction: float) -> None:
        if fraction > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_batch(source, out, progress=stop)
    return out.with_name(f"{out.name}.partial")


def test_a_half_line_is_read_again(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"
    partial = interrupted(source, out)
    whole = partial.read_bytes()
    partial.write_bytes(whole[:-7])
    done = read_batch(source, out)
    assert done.resumed == whole.count(b"\n") - 1
    assert lines(out) == expected(200)


def test_bytes_that_a_power_cut_spoiled_are_read_again(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"
    partial = interrupted(source, out)
    whole = partial.read_bytes()
    partial.write_bytes(whole + b"\0" * 4096 + b"\n")
    assert read_batch(source, out).resumed == whole.count(b"\n")
    assert lines(out) == expected(200)


@pytest.mark.parametrize("what", ["id", "text", "fewer"])
def test_readings_of_other_reports_are_not_mixed_in(what: str, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"
    partial = interrupted(source, out)
    kept = partial.read_bytes()
    rows = [json.loads(line) for line in lines(source)]
    if what == "fewer":
        rows = rows[:3]
    else:
        rows[5][what] += " changed"
    source.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(InputError, match=r"readings\.jsonl\.partial holds readings of other reports\. Add --restart"):
        read_batch(source, out)
    assert partial.read_bytes() == kept
    done = read_batch(source, out, restart=True)
    assert (done.reports, done.resumed) == (len(rows), 0)
    assert [json.loads(line)["id"] for line in lines(out)] == [row["id"] for row in rows]


def test_a_report_that_comes_later_may_still_change(source: Path, tmp_path: Path) -> None:
    """A person mends line 190 and goes on; the first hundred readings are as good as they were."""
    out = tmp_path / "readings.jsonl"
    interrupted(source, out)
    rows = [json.loads(line) for line in lines(source)]
    rows[190]["text"] = "The liver is normal."
    source.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert read_batch(source, out).resumed > 50
    assert json.loads(lines(out)[190])["findings"] == []


def test_another_reader_does_not_go_on(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "readings.jsonl"
    partial = interrupted(source, out)
    monkeypatch.setattr(batch, "reader_version", lambda: "9.9")
    with pytest.raises(InputError, match="begun by another version of RSuper"):
        read_batch(source, out)
    assert partial.exists()
    assert read_batch(source, out, restart=True).reports == 200


def test_the_version_of_the_reader_covers_its_words(tmp_path: Path) -> None:
    version = batch.reader_version()
    assert version == batch.reader_version()
    assert version.startswith(batch.__version__)
    assert len(version) == len(batch.__version__) + 13


def test_two_runs_do_not_write_one_file(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "readings.jsonl"

    def second(_stage: str, fraction: float) -> None:
        if fraction > 0.5:
            with pytest.raises(InputError, match=r"Another process is writing readings\.jsonl"):
                read_batch(source, out)
            raise Cancelled

    with pytest.raises(Cancelled):
        read_batch(source, out, progress=second)
    assert read_batch(source, out).reports == 200


BROKEN = {
    "not JSON": "{not json",
    "no text": '{"id": "a"}',
    "id is no text": '{"id": "\\ud800", "text": "x"}',
    "repeated": '{"id": "case 3", "text": "x"}',
}


def test_broken_lines_are_left_out_only_where_asked(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = source.read_text("utf-8")
    source.write_bytes(whole.encode() + "\n".join(BROKEN.values()).encode() + b'\n\xff\xfe\n{"id": "z", "text": "x"}\n')
    out = tmp_path / "readings.jsonl"
    assert main(["read", str(source), "--out", str(out)]) == 2
    assert "Line 201 of reports.jsonl is not JSON, and 4 others are broken." in capsys.readouterr().err
    assert files(tmp_path) == {"reports.jsonl"}
    assert main(["read", str(source), "--out", str(out), "--keep-going"]) == 0
    assert "5 broken lines left out" in capsys.readouterr().out
    assert [json.loads(line)["id"] for line in lines(out)] == [f"case {n}" for n in range(200)] + ["z"]
    listed = [row.partition(",")[::2] for row in lines(tmp_path / "readings.skipped.csv")]
    assert [number for number, _ in listed] == ["line", "201", "202", "203", "204", "205"]
    assert listed[4][1] == "repeats an id"
    assert listed[5][1] == "is not a text in UTF-8"


def test_a_file_without_a_single_report_is_not_taken_for_one(tmp_path: Path) -> None:
    source = tmp_path / "reports.jsonl"
    source.write_text("x\n" * 10_001)
    with pytest.raises(InputError, match="more than 10,000 broken lines"):
        read_batch(source, tmp_path / "readings.jsonl", keep_going=True)


def test_a_line_without_end_stays_out_of_memory(tmp_path: Path) -> None:
    source = tmp_path / "reports.jsonl"
    source.write_bytes(b'{"id": "a", "text": "' + b"x" * 9_000_000 + b'"}\n{"id": "b", "text": "x"}\n')
    first, second = lines_of(source)
    assert isinstance(first, BrokenLine)
    assert first.problem == "is too long for one report"
    assert second == Report(2, "b", "x")


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_csv_of_reports_is_read(mark: str, encoding: str, tmp_path: Path) -> None:
    source, out = tmp_path / "reports.csv", tmp_path / "readings.jsonl"
    rows = [
        mark.join(["Sex", "BDMAP ID", "Report"]),
        mark.join(["f", "BDMAP_00000001", '"A 12 mm cyst in the liver.\nThe spleen is ""normal"", clear; fine."']),
        "",
        mark.join(["m", " BDMAP_00000002 ", "Größere Raumforderung"]),
    ]
    source.write_text("\n".join(rows), encoding)
    done = read_batch(source, out)
    first, second = [Reading.model_validate_json(line) for line in lines(out)]
    assert (done.reports, done.not_read) == (2, 1)
    assert (first.id, first.findings[0].diameters_mm) == ("BDMAP_00000001", [12])
    assert first.findings[0].evidence[0].text in 'A 12 mm cyst in the liver.\nThe spleen is "normal", clear; fine.'
    assert second.id == "BDMAP_00000002"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,text\na,b\n", "reports.csv has no column 'id'"),
        ("id,note\na,b\n", "reports.csv has no column 'text'"),
        ("", "reports.csv has no column 'id'"),
        ("id,text\na\n", "Row 2 of reports.csv has fewer cells"),
        ("id,text\n,x\n", "Row 2 of reports.csv has no id"),
        ("id,text\na,x\na,y\n", "Row 3 of reports.csv repeats an id"),
        ('id,text\na,"x"y\n', "Row 2 of reports.csv has quotation marks"),
        ('id,text\na,"' + "x" * 200_000, "a cell that is too long"),
        ("id,text\na,\udcff\n", "reports.csv is not a text in UTF-8"),
    ],
)
def test_a_csv_that_cannot_be_read_says_why(content: str, words: str, tmp_path: Path) -> None:
    source = tmp_path / "reports.csv"
    source.write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        read_batch(source, tmp_path / "readings.jsonl")
    assert files(tmp_path) == {"reports.csv"}


def test_a_report_that_breaks_the_reader_costs_only_itself(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, report_id: str) -> Reading:
        if report_id == "case 7":
            raise RecursionError("words of the report")
        return read_report(text, report_id)

    monkeypatch.setattr(batch, "read_report", broken)
    out = tmp_path / "readings.jsonl"
    done = read_batch(source, out)
    reading = Reading.model_validate_json(lines(out)[7])
    assert (done.reports, done.not_read) == (200, 1)
    assert (reading.status, reading.findings, reading.organs) == ("not_read", [], [])
    assert "RecursionError" in reading.reason
    assert "words of the report" not in reading.reason


def test_ids_are_known_without_being_held() -> None:
    with KnownIds() as known:
        assert [known.add(name) for name in ("a", "b", "a", "\ud800", "A", "\ud800")] == [
            True, True, False, True, True, False,
        ]  # fmt: skip
        assert "b" in known
        assert "c" not in known


def test_what_cannot_be_written_is_said(source: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        out = Path("/proc/readings.jsonl")
    else:
        out = tmp_path / "closed" / "readings.jsonl"
        out.parent.mkdir(mode=0o500)
    assert main(["read", str(source), "--out", str(out)]) == 1


def test_the_number_of_jobs_is_checked(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["read", str(source), "--out", str(tmp_path / "out.jsonl"), "--jobs", "-1"]) == 2
    assert "jobs is negative" in capsys.readouterr().err
