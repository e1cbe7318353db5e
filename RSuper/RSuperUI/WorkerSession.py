"""RSuper's background process as Slicer sees it: nothing here waits for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import qt
import slicer
from slicer.i18n import tr as _

from RSuperLib.io.errors import InputError, RSuperError
from RSuperLib.worker import Worker
from RSuperLib.worker.protocol import FINAL, error_from
from RSuperUI.Job import Job


class WorkerProtocol(Protocol):
    """What the session needs of `RSuperLib.worker.Worker`; no call blocks but `close`."""

    @property
    def alive(self) -> bool:
        """Whether the process runs."""

    def submit(self, job: str, arguments: Mapping[str, Any]) -> str:
        """Hand in a job; returns its id."""

    def poll(self) -> list[Any]:
        """Messages since the last call."""

    def cancel(self, request_id: str) -> None:
        """Ask that a job stops."""

    def close(self) -> None:
        """End the process."""


class WorkerSession:
    """Keeps one worker process alive, hands jobs to it, and delivers what it says by a timer.

    Args:
        startWorker: starts the process; `PythonSlicer` with RSuperLib if not given.
    """

    POLL_INTERVAL_MS = 50

    def __init__(self, startWorker: Callable[[], WorkerProtocol] | None = None) -> None:
        self._startWorker = startWorker or startWorkerInPythonSlicer
        self._worker: WorkerProtocol | None = None
        self._jobs: dict[str, Job] = {}
        self._timer = qt.QTimer()
        self._timer.setInterval(self.POLL_INTERVAL_MS)
        self._timer.connect("timeout()", self.deliver)

    def start(self) -> WorkerProtocol:
        """Start the process if it does not run; its packages load while the user does something else.

        Raises:
            RSuperError: it cannot be started.
        """
        if self._worker is None or not self._worker.alive:
            self._worker = self._startWorker()
            self._timer.start()
        return self._worker

    def submit(self, name: str, arguments: Mapping[str, Any], job: Job) -> str:
        """Hand in a job; it hears of its end by exactly one of `onResult`, `onError` and `onCancelled`.

        Raises:
            RSuperError: the process cannot be started.
        """
        self.deliver()  # a process that ended unheard would lose the job
        requestId = self.start().submit(name, arguments)
        self._jobs[requestId] = job
        return requestId

    def cancel(self, requestId: str) -> None:
        """Ask that a job stops; nothing happens if it is done."""
        if self._worker is not None and requestId in self._jobs and self._worker.alive:
            self._worker.cancel(requestId)

    def forget(self, requestId: str) -> None:
        """Stop a job and hear no more of it."""
        self.cancel(requestId)
        self._jobs.pop(requestId, None)

    def close(self) -> None:
        """End the process and forget all jobs."""
        self._timer.stop()
        self._jobs.clear()
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def deliver(self) -> None:
        """Tell the jobs what the worker said since the last time."""
        if self._worker is None:
            return
        for message in self._worker.poll():
            if message["kind"] == "error" and "exit_code" in message["error"]:
                self._onEnded(error_from(message["error"]))
                return
            self._tell(message)

    def _tell(self, message: Mapping[str, Any]) -> None:
        requestId = message.get("id", "")
        job = self._jobs.pop(requestId, None) if message["kind"] in FINAL else self._jobs.get(requestId)
        if job is not None:
            job.tell(message)

    def _onEnded(self, error: RSuperError) -> None:
        jobs = list(self._jobs.values())
        self.close()
        for job in jobs:
            job.onError(error)


def startWorkerInPythonSlicer() -> Worker:
    """Start RSuperLib's worker with Slicer's own Python.

    Raises:
        InputError: there is no PythonSlicer.
        RSuperError: the process cannot be started.
    """
    python = shutil.which("PythonSlicer")  # sys.executable is the application itself
    if python is None:
        raise InputError(_("Slicer's own Python (PythonSlicer) was not found."), _("Install Slicer again."))
    try:
        return Worker(python, slicer.util.startupEnvironment())
    except OSError as error:
        raise RSuperError(
            _("RSuper's background process could not be started ({reason}).").format(reason=error.strerror),
            _("Close other programs and try again."),
        ) from error
