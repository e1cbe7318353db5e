"""Files are written whole or not at all: temporary file in the same folder, fsync, rename."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from RSuperLib.io.errors import RSuperError

_UNFINISHED = ".writing-"
#: Seconds after which an unfinished folder was left by a process that was killed: no case takes as long to write.
_STALE_S = 24 * 3600.0


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file under a temporary name, then put it in place in one step.

    The temporary name ends like `path`, because writers choose the format by the ending.

    Raises:
        RSuperError: the disk is full or the folder cannot be written; `path` is then as it was before.
    """
    temporary = _temporary_beside(path)
    try:
        write(temporary)
        _flush_to_disk(temporary)
        temporary.replace(path)
    except OSError as error:
        raise RSuperError(
            f"{path.name} could not be written ({error.strerror or error}).",
            "Check that the disk has space and the folder may be written to.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all (see `write_whole`)."""
    write_whole(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented UTF-8 JSON, whole or not at all (see `write_whole`)."""
    write_bytes(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


@contextmanager
def unfinished_folder(beside: Path) -> Iterator[Path]:
    """A new hidden folder in `beside` for files that belong together; what was not moved out of it is removed.

    Such folders of processes that were killed are removed here once they are a day old.

    Raises:
        OSError: nothing can be written to `beside`.
    """
    for left_over in filter(_is_stale, beside.glob(f"{_UNFINISHED}*/")):
        shutil.rmtree(left_over, ignore_errors=True)
    folder = beside / _unfinished_name()
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_stale(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > _STALE_S
    except OSError:
        return False  # another process was faster


def _temporary_beside(path: Path) -> Path:
    temporary = path.parent / f"{_unfinished_name()}-{path.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise RSuperError(
            f"Nothing can be written to {path.parent} ({error.strerror or error}).", "Choose another folder."
        ) from error
    return temporary


def _unfinished_name() -> str:
    """Not one of `tempfile`: its files are for their owner alone, ours have the permissions that the user set."""
    return f"{_UNFINISHED}{secrets.token_hex(4)}"


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())
