"""Which ids were seen before, without holding them in memory."""

from __future__ import annotations

import hashlib
import sqlite3
from types import TracebackType


class KnownIds:
    """A set of ids in a temporary database that SQLite keeps on disk and removes by itself.

    A hundred thousand ids as a Python set take 10 MB and ten million take 1 GB; here it is a cache of 4 MB.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA cache_size = -4096")  # KiB
        self._database.execute("CREATE TABLE ids (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, name: str) -> bool:
        """Remember an id; whether it is a new one."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return self._database.execute("INSERT OR IGNORE INTO ids VALUES (?)", (digest,)).rowcount == 1

    def __contains__(self, name: str) -> bool:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return self._database.execute("SELECT 1 FROM ids WHERE digest = ?", (digest,)).fetchone() is not None

    def __enter__(self) -> KnownIds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()
