"""What is changed in a text: one record a change, and how they are put into effect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Kind = Literal[
    "name", "date", "age", "id", "device", "phone", "email", "url", "address", "institution", "other"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """Characters start to end (code points, end exclusive) of a text, and what they become.

    Attributes:
        start: first character.
        end: one past the last character.
        old: what stands there.
        new: what will stand there.
        kind: what sort of identifier it is.
        rule: which rule found it.
    """

    start: int
    end: int
    old: str
    new: str
    kind: Kind
    rule: str

    def as_json(self) -> dict[str, Any]:
        """The change for machines: {"span": [start, end], "old", "new", "kind", "rule"}."""
        values = asdict(self)
        return {"span": [values.pop("start"), values.pop("end")], **values}


def change(text: str, span: tuple[int, int], new: str, kind: Kind, rule: str) -> Change:
    """The change of a span of `text`."""
    return Change(span[0], span[1], text[span[0] : span[1]], new, kind, rule)


def apply_changes(text: str, changes: Iterable[Change]) -> str:
    """The text with the changes made. A panel may leave out those that a person refused, or add some.

    Raises:
        ValueError: two changes overlap, or one was made for another text.
    """
    pieces, place = [], 0
    for one in sorted(changes, key=lambda c: c.start):
        if one.start < place or text[one.start : one.end] != one.old:
            raise ValueError("the changes overlap or are those of another text")
        pieces += [text[place : one.start], one.new]
        place = one.end
    return "".join([*pieces, text[place:]])


def settle(text: str, ranked: Sequence[Change]) -> list[Change]:
    """Changes that do not overlap, in text order: earlier ones of `ranked` win, later ones keep what is left of them.

    A remainder without a letter or digit is dropped; any other is still hidden, so that no half of an identifier stays.
    """
    taken: list[Change] = []
    covered = bytearray(len(text))
    for one in ranked:
        for start, end in _gaps(covered, one.start, one.end):
            if not any(character.isalnum() for character in text[start:end]):
                continue
            whole = (start, end) == (one.start, one.end)
            new = one.new if whole or one.kind != "date" else "[DATE]"
            taken.append(replace(one, start=start, end=end, old=text[start:end], new=new))
        covered[one.start : one.end] = b"\1" * (one.end - one.start)
    return sorted(taken, key=lambda c: c.start)


def _gaps(covered: bytearray, start: int, end: int) -> list[tuple[int, int]]:
    """Stretches of start:end that nothing covers yet."""
    gaps, begin = [], start
    for place in range(start, end + 1):
        if place == end or covered[place]:
            if place > begin:
                gaps.append((begin, place))
            begin = place + 1
    return gaps
