"""The worker process: runs one job after the other, hears `cancel` while it works, dies with its parent."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from RSuperLib.io.errors import Cancelled, InputError, RSuperError, unexpected
from RSuperLib.io.progress import Progress
from RSuperLib.worker.protocol import Message, decode, encode, error_content

#: A job: arguments and progress in, a result that JSON can hold out.
Job = Callable[[Mapping[str, Any], Progress], Any]

#: Progress is told at most this often, so that a fast loop does not flood the pipe.
PROGRESS_INTERVAL_S = 0.1
#: How long a job may take to notice that its parent is gone, before the process ends without it.
ORPHAN_GRACE_S = 5.0


class Server:
    """Answers the messages of one parent.

    Args:
        jobs: name to job.
        answers: where the messages of the worker go, a line each.
        give_up: called when the parent is gone and the job at hand does not notice.
    """

    def __init__(self, jobs: Mapping[str, Job], answers: TextIO, give_up: Callable[[], object]) -> None:
        self._jobs = jobs
        self._answers = answers
        self._give_up = give_up
        self._answers_lock = threading.Lock()
        self._waiting: queue.Queue[Message | None] = queue.Queue()
        self._open: set[str] = set()
        self._cancelled: set[str] = set()
        self._orphaned = threading.Event()
        self._done = threading.Event()

    def serve(self, requests: TextIO) -> None:
        """Work until the parent says `shutdown` or closes its end; the job at hand is then cancelled."""
        threading.Thread(target=self._listen, args=(requests,), daemon=True).start()
        self._send("ready")
        while (request := self._waiting.get()) is not None:
            self._answer(request)
        self._done.set()

    def _listen(self, requests: TextIO) -> None:
        for line in requests:
            if line.strip() and not self._accept(line):
                break
        self._orphaned.set()
        self._waiting.put(None)
        if not self._done.wait(ORPHAN_GRACE_S):
            self._give_up()

    def _accept(self, line: str) -> bool:
        """Take one message in; False when it says that there will be no more."""
        try:
            message = decode(line)
        except RSuperError as error:
            self._send("error", error=error_content(error))
            return True
        if message["kind"] == "cancel":
            self._cancelled |= self._open & {message.get("id", "")}
        elif message["kind"] == "job":
            self._open.add(message.get("id", ""))
            self._waiting.put(message)
        return message["kind"] != "shutdown"

    def _answer(self, request: Message) -> None:
        request_id = request.get("id", "")
        try:
            self._send("result", request_id, result=self._run(request))
        except Cancelled:
            self._send("cancelled", request_id)
        except RSuperError as error:
            self._send("error", request_id, error=error_content(error))
        except MemoryError:
            self._send("error", request_id, error=error_content(_OUT_OF_MEMORY))
        except Exception as error:  # noqa: BLE001 - the process boundary: the parent must hear of it
            self._send("error", request_id, error=error_content(unexpected(error)))
        finally:
            self._open.discard(request_id)
            self._cancelled.discard(request_id)

    def _run(self, request: Message) -> Any:
        self._stop_if_asked(request.get("id", ""))
        name = request.get("job", "")
        if name not in self._jobs:
            raise InputError(f"The worker does not know the job {name!r}.", f"It knows {', '.join(self._jobs)}.")
        return self._jobs[name](request.get("arguments", {}), self._progress_of(request.get("id", "")))

    def _progress_of(self, request_id: str) -> Progress:
        started = time.monotonic()
        told = [float("-inf")]

        def progress(stage: str, fraction: float) -> None:
            self._stop_if_asked(request_id)
            now = time.monotonic()
            if now - told[0] >= PROGRESS_INTERVAL_S or fraction >= 1:
                told[0] = now
                left = _seconds_left(now - started, fraction)
                self._send("progress", request_id, stage=stage, fraction=round(fraction, 4), seconds_left=left)

        return progress

    def _stop_if_asked(self, request_id: str) -> None:
        if request_id in self._cancelled or self._orphaned.is_set():
            raise Cancelled

    def _send(self, kind: Any, request_id: str = "", **content: Any) -> None:
        with self._answers_lock:
            try:
                self._answers.write(encode(kind, request_id, **content) + "\n")
                self._answers.flush()
            except BrokenPipeError:
                self._orphaned.set()  # nobody listens any more


_OUT_OF_MEMORY = RSuperError(
    "The computer ran out of memory.", "Close other programs, or crop the CT to the region of interest."
)


def _seconds_left(elapsed: float, fraction: float) -> float | None:
    """Rule of three; nothing is said before 3 % are done, when it would be a guess."""
    if fraction < 0.03:
        return None
    return round(elapsed * (1 - fraction) / fraction, 1)


def claim_stdout() -> TextIO:
    """Keep standard output for messages alone: whatever else is printed goes to standard error from now on."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    if sys.stderr is None:  # the parent has none, as GUI programs of Windows
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers
