"""What the worker can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from RSuperLib.io.progress import Progress
from RSuperLib.worker.server import Job


def ping(_arguments: Mapping[str, Any], _progress: Progress) -> dict[str, Any]:
    """Say that the worker is there."""
    return {"pid": os.getpid()}


def read(arguments: Mapping[str, Any], _progress: Progress) -> dict[str, Any]:
    """Read the report `text`; the result is a reading."""
    from RSuperLib.report import read_report

    reading: dict[str, Any] = read_report(str(arguments["text"])).model_dump(mode="json")
    return reading


def segment(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Do what `rsuper segment` does; see `RSuperLib.worker.segment`."""
    from RSuperLib.worker.segment import SegmentRequest, segment_case

    return segment_case(SegmentRequest.from_arguments(arguments), progress)


def assist(arguments: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Read a report with a language model's help; see `RSuperLib.worker.assist`."""
    from RSuperLib.worker.assist import AssistRequest, read_assisted

    return read_assisted(AssistRequest.model_validate(arguments), progress)


#: Name to job, as they travel in `job` messages.
JOBS: dict[str, Job] = {"ping": ping, "read": read, "segment": segment, "assist": assist}


def preload() -> None:
    """Import what the first click needs before it comes."""
    import RSuperLib.worker.segment  # noqa: F401
