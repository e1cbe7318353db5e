"""The member table: every ctk, qMRML, qSlicer and slicer member that the host provides, and where Slicer declares it.

`members.csv` is written by `verify_members.py --write` from Slicer's and CTK's own sources and is the one place where
signatures stand. The host reads it to refuse wrong signals and wrong arguments.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("members.csv")
COLUMNS = ("class", "member", "kind", "signature", "declared_in")


@dataclass(frozen=True)
class Member:
    """One row: `signature` holds a property's type, or all call signatures of a method joined by `|`."""

    class_name: str
    name: str
    kind: str
    signature: str
    declared_in: str

    @property
    def signatures(self) -> tuple[str, ...]:
        return tuple(self.signature.split("|"))


@functools.cache
def table() -> dict[str, dict[str, Member]]:
    """Rows by class and member name."""
    rows: dict[str, dict[str, Member]] = {}
    if TABLE.exists():
        with TABLE.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                member = Member(*(row[column] for column in COLUMNS))
                rows.setdefault(member.class_name, {})[member.name] = member
    return rows


def find(class_: type, name: str) -> Member | None:
    """The row of a member in a stand-in class or in the stand-ins that it derives from."""
    for base in class_.__mro__:
        member = table().get(base.__name__, {}).get(name)
        if member is not None:
            return member
    return None
