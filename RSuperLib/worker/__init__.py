"""The background process. `Worker` starts it and talks to it; `run_segment` is the work behind one click."""

from RSuperLib.worker.client import Worker

__all__ = ["Worker"]
