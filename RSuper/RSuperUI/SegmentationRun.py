"""One press of Apply: files out, work in the background process, results back."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from RSuperLib.io.errors import RSuperError
from RSuperUI.CaseFiles import CaseFiles
from RSuperUI.Job import Job
from RSuperUI.WorkerSession import WorkerSession


@dataclass(frozen=True)
class RunResult:
    """What a run found: `lesionsPath` (seg.nrrd) lies in a folder that is gone once `onResult` returned."""

    lesionsPath: str
    lesionCount: int
    reading: dict[str, Any]
    agreement: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class SegmentationRun:
    """Writes the case in a thread, hands it to the worker, reads what it wrote, and removes the files.

    Args:
        session: the worker.
        files: the case.
        source: as for `rsuper segment`.
        job: hears of progress and of the end; `onResult` gets a `RunResult`.
    """

    def __init__(self, session: WorkerSession, files: CaseFiles, source: str, job: Job) -> None:
        self._session = session
        self._files = files
        self._source = source
        self._job = job
        self._requestId: str | None = None
        self._isCancelled = False
        self._folder = ""
        self._written: Future[dict[str, str]] | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(WorkerSession.POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self._submitWhenWritten)

    def start(self) -> None:
        """Begin. Returns at once; `job` hears of the rest.

        Raises:
            RSuperError: Slicer's temporary folder cannot be written to.
        """
        try:
            self._folder = tempfile.mkdtemp(prefix="RSuper-", dir=slicer.app.temporaryPath)
        except OSError as error:
            raise RSuperError(
                _("Slicer's temporary folder cannot be written to ({reason}).").format(reason=error.strerror),
                _("Choose another one in Edit > Application Settings > Modules."),
            ) from error
        writer = ThreadPoolExecutor(max_workers=1)
        self._written = writer.submit(self._files.write, self._folder)
        writer.shutdown(wait=False)
        self._job.onProgress(_("preparing the CT"), 0.0, None)
        self._timer.start()

    def cancel(self) -> None:
        """Stop as soon as possible; `job.onCancelled` says when."""
        self._isCancelled = True
        if self._requestId is not None:
            self._session.cancel(self._requestId)

    def abandon(self) -> None:
        """Stop, and tell nobody: the scene or the panel is gone."""
        self._timer.stop()
        if self._requestId is not None:
            self._session.forget(self._requestId)
        if self._written is not None:
            folder = self._folder  # the thread may still write into it
            self._written.add_done_callback(lambda _future: shutil.rmtree(folder, ignore_errors=True))

    def _submitWhenWritten(self) -> None:
        if self._written is None or not self._written.done():
            return
        self._timer.stop()
        if self._isCancelled:
            self._end(self._job.onCancelled)
            return
        try:
            arguments = {**self._written.result(), "source": self._source}
            self._requestId = self._session.submit("segment", arguments, self._workerJob())
        except RSuperError as error:
            self._onError(error)

    def _workerJob(self) -> Job:
        return Job(
            onResult=self._onResult,
            onError=self._onError,
            onCancelled=lambda: self._end(self._job.onCancelled),
            onProgress=self._job.onProgress,
        )

    def _onError(self, error: RSuperError) -> None:
        self._end(lambda: self._job.onError(error))

    def _onResult(self, summary: dict[str, Any]) -> None:
        out = Path(summary["out"])
        result = RunResult(
            lesionsPath=str(out / "lesions.seg.nrrd"),
            lesionCount=len(summary["lesions"]),
            reading=_readJson(out / "reading.json"),
            agreement=_readJson(out / "agreement.json"),
            warnings=summary["warnings"],
        )
        self._end(lambda: self._job.onResult(result))

    def _end(self, tell: Callable[[], None]) -> None:
        self._requestId = None
        try:
            tell()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)


def _readJson(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
