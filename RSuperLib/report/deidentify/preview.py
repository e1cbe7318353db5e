"""What would be changed, for a person to look through: in plain text, without colours or HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from RSuperLib.report.deidentify.changes import Change

NOTICE = (
    "This is an aid, not a certified anonymiser: it misses identifiers. "
    "Read the whole text before it leaves this computer."
)


def marked_text(text: str, changes: Iterable[Change]) -> str:
    """The text with every change marked: `[-old-]{+new+}`."""
    pieces, place = [], 0
    for one in sorted(changes, key=lambda c: c.start):
        pieces += [text[place : one.start], f"[-{one.old}-]{{+{one.new}+}}"]
        place = one.end
    return "".join([*pieces, text[place:]])


def change_lines(changes: Iterable[Change]) -> list[str]:
    """One line a change: place, kind, rule, old, new."""
    return [
        f"{one.start:>6}-{one.end:<6} {one.kind:<11} {' '.join(one.old.split())} -> {one.new}  ({one.rule})"
        for one in changes
    ]


def summary(changes: Iterable[Change]) -> str:
    """How many of each kind: `3 date, 2 name`."""
    counts = Counter(one.kind for one in changes)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing to change was found"
