"""`python -m RSuperLib.worker`: the process behind the command line and the Slicer module."""

from __future__ import annotations

import io
import os
import signal
import sys

from RSuperLib.worker.jobs import JOBS, preload
from RSuperLib.worker.server import Server, claim_stdout


def main() -> None:
    """Serve the parent on the standard streams."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it sends `cancel`
    answers = claim_stdout()
    preload()
    requests = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="strict")
    Server(JOBS, answers, give_up=lambda: os._exit(1)).serve(requests)


if __name__ == "__main__":
    main()
