"""A progress bar on a terminal, silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from RSuperLib.io.progress import Progress

_FORMAT = "{desc:<24} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left"


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A progress that draws percent, time spent and time left on standard error, if that is a terminal."""
    with tqdm(
        total=1.0, desc=title, bar_format=_FORMAT, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
    ) as bar:

        def progress(stage: str, fraction: float) -> None:
            bar.set_description_str(stage, refresh=False)
            bar.update(max(0.0, min(1.0, fraction) - bar.n))

        yield progress
