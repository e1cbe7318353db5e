"""`rsuper bench read-many`: reports per second and memory of `rsuper read` over a long file, also after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from RSuperLib.io.progress import Progress, no_progress, part_of
from RSuperLib.phantom import PhantomSettings, make_phantom

REPORTS = 100_000
#: Phantoms whose reports are told again and again, each time with another id and another number in it.
_TEXTS = 6
#: Reports that tell how much a second process gains; more would only take longer.
_SAMPLE = 3_000
_EVERY_S = 0.2
#: Bytes of a reading over bytes of its report, for the progress; measured on phantoms.
_READING_OVER_REPORT = 4.5
_MB = 1e6


def run(cases: int | None = None, seed: int = 0, progress: Progress = no_progress) -> dict[str, Any]:
    """Read `cases` reports (100,000) with two processes, killed once on the way; memory is of all of them together."""
    count = cases or REPORTS
    texts = [make_phantom(seed + number, PhantomSettings(size="small")).report for number in range(_TEXTS)]
    progress("wrote reports", 0.02)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = folder / "few.jsonl", folder / "many.jsonl"
        _write(few, texts, min(count, _SAMPLE))
        _write(many, texts, count)
        rates = {jobs: _Run(few, folder / f"few_{jobs}.jsonl", jobs).finish()["per_s"] for jobs in (1, 2)}
        progress("one and two processes", 0.1)
        whole = _killed_once(many, folder / "many_out.jsonl", part_of(progress, 0.1, 1))
        size = (folder / "many_out.jsonl").stat().st_size
    return {
        "reports": count,
        "characters_per_report": round(sum(map(len, texts)) / len(texts)),
        "per_s_1_process": rates[1],
        "per_s_2_processes": rates[2],
        "gain_of_second_process": round(rates[2] / rates[1], 2),
        **whole,
        "readings_mb": round(size / _MB),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _write(path: Path, texts: list[str], count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(line for line in _lines(texts, count))


def _lines(texts: list[str], count: int) -> Iterator[str]:
    for number in range(count):
        text = f"{texts[number % len(texts)]}\nReport {number}."
        yield json.dumps({"id": f"report {number}", "text": text}) + "\n"


class _Run:
    """One `rsuper read`, watched."""

    def __init__(self, source: Path, out: Path, jobs: int) -> None:
        words = ["read", str(source), "--out", str(out), "--jobs", str(jobs), "--json"]
        self._process = subprocess.Popen([sys.executable, "-m", "RSuperLib.cli", *words], stdout=subprocess.PIPE)  # noqa: S603
        self._begin = time.monotonic()
        self.memory_mb: list[float] = []

    def watch(self, progress: Progress, partial: Path, size: float, kill_at: float = 2) -> float:
        """Follow it to its end, or until `kill_at` of the expected bytes are there; the share that it reached."""
        share = 0.0
        while self._process.poll() is None and share < kill_at:
            time.sleep(_EVERY_S)
            self.memory_mb.append(_memory_mb(self._process.pid))
            share = partial.stat().st_size / size if partial.exists() else share
            progress("reading", min(1.0, share))
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        return share

    def finish(self) -> dict[str, Any]:
        """Wait for its end; what it said, and how many reports it read in a second."""
        said, _ = self._process.communicate()
        seconds = time.monotonic() - self._begin
        result: dict[str, Any] = json.loads(said) if said else {}
        read = result.get("reports", 0) - result.get("resumed", 0)
        return {**result, "seconds": round(seconds, 1), "per_s": round(read / seconds, 1)}


def _killed_once(source: Path, out: Path, progress: Progress) -> dict[str, Any]:
    """Read a file in two runs, the first of which is killed at about two fifths."""
    partial = out.with_name(f"{out.name}.partial")
    expected = _READING_OVER_REPORT * source.stat().st_size
    first = _Run(source, out, jobs=2)
    first.watch(part_of(progress, 0, 0.4), partial, expected, kill_at=0.4)
    first.finish()
    second = _Run(source, out, jobs=2)
    second.watch(part_of(progress, 0.4, 1), partial, expected)
    result = second.finish()
    memory = [*first.memory_mb, *second.memory_mb]
    early = first.memory_mb[len(first.memory_mb) // 10 : len(first.memory_mb) // 2]
    return {
        "resumed_after_kill": result["resumed"],
        "readings": result["reports"],
        "per_s_after_kill": result["per_s"],
        "seconds_after_kill": result["seconds"],
        "peak_memory_mb": round(max(memory)),
        "memory_early_mb": round(max(early, default=0)),
        "memory_late_mb": round(max(second.memory_mb[len(second.memory_mb) // 2 :], default=0)),
    }


def _memory_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    try:
        parent = psutil.Process(pid)
        return sum(process.memory_info().rss for process in [parent, *parent.children(recursive=True)]) / _MB
    except psutil.NoSuchProcess:
        return 0.0
