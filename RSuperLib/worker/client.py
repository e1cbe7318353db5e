"""The parent's side of the worker: start it, give it jobs, hear what it says. Needs no Qt and no thread of yours."""

from __future__ import annotations

import itertools
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from RSuperLib.io.errors import Cancelled, RSuperError
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.worker.protocol import FINAL, Message, decode, encode, error_from

_CLOSE_S = 5.0
#: How often waiting looks up: on Windows, Ctrl-C is not heard while a queue is waited for.
_TICK_S = 0.2
#: Ctrl-C is for this process, which then asks the worker to cancel; and no console window appears beside a GUI.
_WINDOWS_FLAGS = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)


class Worker:
    """A worker process. Use it as a context manager, or call `close`.

    `submit` and `poll` never block, so that a GUI can call them from a timer; `run` waits for one job.

    Args:
        python: the Python to run it with, this one if not given (in Slicer: `PythonSlicer`). It is told not to look for
            modules in the working directory (-P), where any file could lie.
        environment: the environment to start it in, this process's own if not given.

    Raises:
        RSuperError: the process cannot be started.
    """

    def __init__(self, python: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._messages: queue.Queue[Message] = queue.Queue()
        self._ids = (f"r{number}" for number in itertools.count(1))
        self._process = _start(python or sys.executable, _with_this_library(environment))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def submit(self, job: str, arguments: Mapping[str, Any]) -> str:
        """Hand in a job and return its id."""
        request_id = next(self._ids)
        self._send(encode("job", request_id, job=job, arguments=dict(arguments)))
        return request_id

    def cancel(self, request_id: str) -> None:
        """Ask that a job stops; the worker answers `cancelled` (or `result`, if it was done first)."""
        self._send(encode("cancel", request_id))

    def poll(self) -> list[Message]:
        """What the worker said since the last call."""
        messages = []
        while not self._messages.empty():
            messages.append(self._messages.get())
        return messages

    def run(self, job: str, arguments: Mapping[str, Any], progress: Progress = no_progress) -> Any:
        """Hand in a job, wait for it, and return its result.

        Ctrl-C, or `progress` raising `Cancelled`, stops the job; a second Ctrl-C does not wait until it has stopped.

        Raises:
            InputError, RSuperError: what the job raised, or the worker died.
            Cancelled: the job was stopped.
        """
        request_id = self.submit(job, arguments)
        stopping = False
        while True:
            try:
                message = self._next()
                if message.get("id") == request_id and message["kind"] == "progress" and not stopping:
                    progress(message["stage"], message["fraction"])
            except (KeyboardInterrupt, Cancelled):
                if stopping:
                    raise Cancelled from None
                stopping = True
                self.cancel(request_id)
                continue
            if message["kind"] in FINAL and message.get("id") in (request_id, ""):
                return _outcome(message)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process: politely first, then by force."""
        if self.alive:
            try:
                self._send(encode("shutdown"))
                self._process.wait(_CLOSE_S)
            except (RSuperError, subprocess.TimeoutExpired):
                self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                _close_quietly(stream)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _next(self) -> Message:
        while True:
            try:
                return self._messages.get(timeout=_TICK_S)
            except queue.Empty:
                continue

    def _send(self, line: str) -> None:
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise _WORKER_ENDED from error

    def _listen(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            try:
                self._messages.put(decode(line))
            except RSuperError:
                continue  # a truncated last line of a process that was killed
        code = self._process.wait()
        ended = {"kind": "failure", "message": _WORKER_ENDED.message, "next_step": _WORKER_ENDED.next_step}
        self._messages.put({"kind": "error", "id": "", "error": ended | {"exit_code": str(code)}})


_WORKER_ENDED = RSuperError(
    "RSuper's background process ended unexpectedly.",
    "Try again; if it happens again, the computer may be out of memory.",
)


def _outcome(message: Message) -> Any:
    if message["kind"] == "cancelled":
        raise Cancelled
    if message["kind"] == "error":
        raise error_from(message["error"])
    return message["result"]


def _start(python: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own module, no shell
            [python, "-P", "-m", "RSuperLib.worker"],  # -P: a file like numpy.py in the user's folder is no module
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            start_new_session=True,
            creationflags=_WINDOWS_FLAGS,
        )
    except OSError as error:
        raise RSuperError(
            f"RSuper's background process could not be started ({error.strerror or error}).",
            "Close other programs, or install RSuper again.",
        ) from error


def _with_this_library(environment: Mapping[str, str] | None) -> dict[str, str]:
    """The environment with this copy of RSuperLib first on the path: in Slicer the package is not installed by pip."""
    merged = dict(os.environ if environment is None else environment)
    home = str(Path(__file__).resolve().parents[2])
    merged["PYTHONPATH"] = os.pathsep.join(filter(None, [home, merged.get("PYTHONPATH", "")]))
    return merged


def _close_quietly(stream: Any) -> None:
    try:
        stream.close()
    except OSError:
        return  # the pipe broke with the process: nothing is left to close
