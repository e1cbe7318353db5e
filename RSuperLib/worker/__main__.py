"""`python -m RSuperLib.worker`: the process behind the command line and the Slicer module."""

from __future__ import annotations

import io
import logging
import os
import signal
import sys
from types import FrameType

from RSuperLib.worker.jobs import JOBS, preload
from RSuperLib.worker.server import Server, claim_stdout


def main() -> None:
    """Serve the parent on the standard streams."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it sends `cancel`
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns where it may keep no cache
    answers = claim_stdout()
    preload()
    requests = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    signal.signal(signal.SIGTERM, _end_tidily)
    try:
        Server(JOBS, answers, give_up=lambda: os._exit(1)).serve(requests)
    except _Terminated:
        os._exit(128 + signal.SIGTERM)  # at once: a thread still waits for the parent's next line


class _Terminated(BaseException):
    """SIGTERM, as an exception, so that what was begun is cleared away."""


def _end_tidily(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


if __name__ == "__main__":
    main()
