"""The secret of a project: from it come local ids and the shift of a patient's dates.

Who has the file can undo both, so it stays with the researcher and is never part of an export.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from RSuperLib.io.errors import InputError, RSuperError

#: Name of the file in the project's folder.
SALT_FILE = ".rsuper-salt"
_BYTES = 32
#: Weeks that dates may move back. Whole weeks keep weekdays true; backwards, none lies in the future.
_LEAST_WEEKS, _MOST_WEEKS = 26, 260


@dataclass(frozen=True)
class Salt:
    """Secret bytes; never printed."""

    secret: bytes = field(repr=False)

    def local_id(self, subject: str, value: str) -> str:
        """An id that says nothing of `value` without the salt; the same value always gives the same id.

        Args:
            subject: what it names ("report", "patient"); equal values of two subjects get different ids.
            value: the identifier of the hospital.
        """
        return f"{subject}-{self._digest(subject, value).hex()[:16]}"

    def date_shift(self, patient: str) -> timedelta:
        """By how much all dates of a patient move: whole weeks, between half a year and five years back."""
        number = int.from_bytes(self._digest("date shift", patient)[:8], "big")
        return -timedelta(weeks=_LEAST_WEEKS + number % (_MOST_WEEKS - _LEAST_WEEKS + 1))

    def _digest(self, subject: str, value: str) -> bytes:
        message = f"{subject}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self.secret, message, hashlib.sha256).digest()


def project_salt(folder: Path) -> Salt:
    """The salt of a project, from its file; made there the first time, readable by its owner alone.

    Raises:
        InputError: the file is not a salt, or cannot be read.
        RSuperError: it cannot be made.
    """
    path = folder / SALT_FILE
    try:
        _create(path)
    except FileExistsError:
        pass
    except OSError as error:
        raise RSuperError(
            f"The project's salt could not be written ({error.strerror}).", "Choose another folder with --project."
        ) from error
    return _load(path)


def _create(path: Path) -> None:
    """Write a new salt aside and link it into place, so that of two processes one wins and both read a whole file."""
    aside = path.with_name(f"{path.name}-{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        aside.unlink()


def _load(path: Path) -> Salt:
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise InputError(
            "The project's salt cannot be read.", f"Restore {path.name} from a copy, or take another folder."
        ) from error
    if len(secret) != _BYTES:
        raise InputError("The project's salt is damaged.", f"Restore {path.name} from a copy, or take another folder.")
    return Salt(secret)
