"""Many reports to many readings: in a stream, in several processes, and from where a killed run stopped.

While it runs, the readings gather in `OUT.partial`. Every reading names its report and the checksum of its text, so
that a later run can tell, report by report, whether what is there belongs to its own input. The file gets its name when
it is whole.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from pydantic import ValidationError

from RSuperLib import __version__
from RSuperLib.io.errors import InputError, RSuperError, unexpected
from RSuperLib.io.files import write_bytes, write_json
from RSuperLib.io.progress import Progress, no_progress, part_of
from RSuperLib.report.collection import BrokenLine, Report, Survey, reports_of, survey
from RSuperLib.report.reader import read_report
from RSuperLib.report.schema import Reading

#: Reports that a process is handed at a time, and how many such portions wait for each process.
_PORTION = 16
_AHEAD = 4
#: Seconds of work that a power cut may cost.
_FLUSH_S = 5.0
#: Share of the time that going through the input takes before the reading begins.
_SURVEY_SHARE = 0.02
_RESTART = "Add --restart to begin again."


@dataclass(frozen=True)
class Batch:
    """What a run over many reports did.

    Attributes:
        reports: readings in the file.
        not_read: how many of them are "not read".
        lesions: findings in them that are lesions now.
        resumed: readings that an earlier run had made.
        skipped: broken lines of the input.
    """

    reports: int = 0
    not_read: int = 0
    lesions: int = 0
    resumed: int = 0
    skipped: int = 0

    def plus(self, other: Batch) -> Batch:
        """The sum of two."""
        return Batch(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def read_batch(
    source: Path, out: Path, *, jobs: int = 1, keep_going: bool = False, restart: bool = False,
    progress: Progress = no_progress,
) -> Batch:  # fmt: skip
    """Read every report of a file into a file of readings, in the same order.

    Args:
        source: JSON lines or CSV (see `collection`).
        out: JSON lines, one reading each. It appears when it is whole.
        jobs: processes that read at the same time.
        keep_going: leave out broken lines, and list them in `OUT.skipped.csv`.
        restart: forget what an earlier run had done.
        progress: told how far it is; what it raises ends the run, which then can be continued.

    Returns:
        How many reports, lesions and broken lines there were.

    Raises:
        InputError: the input cannot be read or has broken lines, or an earlier run had another input or reader.
        RSuperError: the output cannot be written, or a process was killed. What was read is kept.
    """
    if same_file(source, out):
        raise InputError("The readings would overwrite the reports.", "Give --out another name.")
    found = survey(source, part_of(progress, 0, _SURVEY_SHARE))
    if found.broken and not keep_going:
        raise _broken(source, found.broken)
    if not found.reports and not found.broken:
        raise InputError(f"{source.name} holds no report.", "Give a .jsonl or .csv file with one report a line.")
    with _writing(out), _Partial(out, restart=restart) as partial:
        done = _read_all(source, found, partial, jobs, part_of(progress, _SURVEY_SHARE, 1))
        partial.finish()
    if keep_going:
        write_bytes(skipped_list(out), _list_of(found.broken))
    return done.plus(Batch(skipped=len(found.broken)))


def skipped_list(out: Path) -> Path:
    """Where the broken lines of a run are listed."""
    return out.with_name(f"{out.stem}.skipped.csv")


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them is not there (yet)


@cache
def reader_version() -> str:
    """The version of the library and a checksum of the rules: readings of different ones do not go into one file."""
    folder = Path(__file__).parent
    checksum = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("languages/**/*.json")]):
        checksum.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{checksum.hexdigest()[:12]}"


def _read_all(source: Path, found: Survey, partial: _Partial, jobs: int, progress: Progress) -> Batch:
    reports = reports_of(source)
    done = partial.resume(reports)
    for lines, counts in _in_order(reports, jobs):
        partial.append(lines)
        done = done.plus(counts)
        progress(f"{done.reports:,} of {found.reports:,}", done.reports / max(1, found.reports))
    return done


def _in_order(reports: Iterator[Report], jobs: int) -> Iterator[tuple[bytes, Batch]]:
    """The readings of portions of reports, in the order of the reports, with a bounded number under way."""
    portions = iter(lambda: list(islice(reports, _PORTION)), [])
    if jobs <= 1:
        yield from map(_read_portion, portions)
        return
    waiting: deque[Future[tuple[bytes, Batch]]] = deque()
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_begin_process)
    try:
        for portion in portions:
            waiting.append(pool.submit(_read_portion, portion))
            if len(waiting) >= _AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise RSuperError(
            "A process that was reading was killed.", "Run the same command again, perhaps with fewer --jobs."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_process() -> None:
    """Leave Ctrl-C to the first process, and end with it however it ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _read_portion(reports: Iterable[Report]) -> tuple[bytes, Batch]:
    """Their readings as lines, and what is in them."""
    readings = [_read_one(report) for report in reports]
    lines = [json.dumps(reading.model_dump(mode="json"), ensure_ascii=False) + "\n" for reading in readings]
    return "".join(lines).encode(), _count(readings)


def _read_one(report: Report) -> Reading:
    try:
        return read_report(report.text, report.id)
    except Exception as error:  # noqa: BLE001 - one report that breaks the reader must not cost a night's work
        return Reading(id=report.id, status="not_read", reason=str(unexpected(error)), text_sha256=_sha256(report.text))


def _count(readings: list[Reading]) -> Batch:
    return Batch(
        reports=len(readings),
        not_read=sum(reading.status == "not_read" for reading in readings),
        lesions=sum(len(reading.lesions) for reading in readings),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Partial:
    """The readings of a run that is under way, which no other process may write to."""

    def __init__(self, out: Path, *, restart: bool) -> None:
        self._out = out
        self._path = out.with_name(f"{out.name}.partial")
        self._state = out.with_name(f"{out.name}.partial.json")
        self._flushed = time.monotonic()
        out.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = self._path.open("a+b")
        with ExitStack() as unless_begun:
            unless_begun.callback(self._file.close)
            _lock(self._file, out.name)
            if not os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                raise _in_use(out.name)  # another process finished it between the two steps
            self._begin(restart=restart)
            unless_begun.pop_all()

    def _begin(self, *, restart: bool) -> None:
        if restart:
            self._file.truncate(0)
        if self._file.seek(0, io.SEEK_END) and self._begun_by() != reader_version():
            raise InputError(f"{self._path.name} was begun by another version of RSuper.", _RESTART)
        write_json(self._state, {"schema_version": 1, "reader": reader_version()})

    def _begun_by(self) -> object:
        try:
            state = json.loads(self._state.read_bytes())
        except (OSError, ValueError):
            return None
        return state.get("reader") if isinstance(state, dict) else None

    def resume(self, reports: Iterator[Report]) -> Batch:
        """Check what is there against the reports, which are moved past it; cut off a half line.

        Raises:
            InputError: a reading there is not of the report that stands in its place.
        """
        done, end = Batch(), 0
        self._file.seek(0)
        for line in self._file:
            reading = _whole_reading(line)
            if reading is None:
                break
            report = next(reports, None)
            if report is None or (report.id, _sha256(report.text)) != (reading.id, reading.text_sha256):
                raise InputError(f"{self._path.name} holds readings of other reports.", _RESTART)
            end += len(line)
            done = done.plus(_count([reading]))
        self._file.truncate(end)
        return done.plus(Batch(resumed=done.reports))

    def append(self, lines: bytes) -> None:
        """Add whole lines."""
        self._file.write(lines)
        self._file.flush()
        if time.monotonic() - self._flushed > _FLUSH_S:
            os.fsync(self._file.fileno())
            self._flushed = time.monotonic()

    def finish(self) -> None:
        """Give the file its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._path.replace(self._out)
        self._state.unlink(missing_ok=True)

    def __enter__(self) -> _Partial:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file.closed:
            return
        empty = self._file.seek(0, io.SEEK_END) == 0
        self._file.close()
        if empty:
            self._path.unlink(missing_ok=True)
            self._state.unlink(missing_ok=True)


def _whole_reading(line: bytes) -> Reading | None:
    """The reading of a line; None for the half line that a kill or a power cut leaves."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Reading.model_validate_json(line)
    except ValidationError:
        return None


def _lock(file: BinaryIO, name: str) -> None:
    """Claim the file until it is closed, or its process ends in whatever way."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise _in_use(name) from error


def _in_use(name: str) -> InputError:
    return InputError(f"Another process is writing {name}.", "Wait for it, or give --out another name.")


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RSuperError(
            f"{out.name} could not be written ({error.strerror or error}).",
            "Check that the disk has space and the folder may be written to; then run the same command again.",
        ) from error


def _broken(source: Path, broken: list[BrokenLine]) -> InputError:
    first, others = broken[0], len(broken) - 1
    word = "Row" if source.suffix.lower() in (".csv", ".tsv") else "Line"
    more = f", and {others:,} other{'s are' if others > 1 else ' is'} broken" if others else ""
    return InputError(
        f"{word} {first.line} of {source.name} {first.problem}{more}.",
        f"{first.next_step} Or add --keep-going to leave such lines out.",
    )


def _list_of(broken: list[BrokenLine]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["line", "problem"])
    table.writerows([row.line, row.problem] for row in broken)
    return text.getvalue().encode()
