"""The table of parts (`parts.json`): their names, organs, sides, members, codes and colours.

Names are those of the classes of R-Super where it has one, else of TotalSegmentator; both, and common spellings, are
understood. Codes and colours are those of 3D Slicer's terminology; a part that it does not list has no code.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from RSuperLib.io import InputError

_SIDE_WORDS = {"l": "left", "lt": "left", "r": "right", "rt": "right"}
_OTHER_WORDS = {"seg": "segment", "iva": "4", "ivb": "4", "4a": "4", "4b": "4"}
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}


@dataclass(frozen=True)
class Part:
    """One named piece of anatomy.

    Attributes:
        name: the project's name for it.
        organ: organ of findings (`RSuperLib.report.schema.Organ`) that it is, or belongs to; None for structures that
            findings do not name, such as vessels and muscles.
        side: "left", "right" or None.
        members: parts that together are this one.
        extras: parts that belong to it but are not always told apart: cysts of a kidney, vessels of the liver.
        code: SNOMED CT code (scheme, value, meaning), or None.
        colour: red, green, blue, 0 to 255.
        aliases: other names of it.
        role: "lesion" for lesion masks that lie beside part masks in public data sets; they are no anatomy.
    """

    name: str
    organ: str | None = None
    side: str | None = None
    members: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    code: tuple[str, str, str] | None = None
    colour: tuple[int, int, int] = (128, 174, 128)
    aliases: tuple[str, ...] = ()
    role: str | None = None


def part(name: str) -> Part:
    """The part of that name, whatever its spelling.

    Raises:
        InputError: no part is called so; the nearest names are suggested.
    """
    return table()[canonical_name(name)]


def canonical_name(name: str) -> str:
    """The project's name for a part: `kidney_left` for "Left kidney", `gall_bladder` for "gallbladder".

    Raises:
        InputError: no part is called so; the nearest names are suggested.
    """
    found = _by_key().get(_key(name))
    if found is None:
        raise InputError(f"No part is called {name[:80]!r}.", _suggestion(name))
    return found


def organ_parts(organ: str, laterality: str | None = None) -> list[str]:
    """Names of the parts that make up an organ: where to look if a report names no part.

    Args:
        organ: organ of a finding (`RSuperLib.report.schema.Organ`).
        laterality: "left" or "right" leaves out the parts of the other side; anything else means both.

    Returns:
        Part names, `["kidney_left", "kidney_right"]`; empty for organs without parts, such as lymph nodes.
    """
    side = laterality if laterality in ("left", "right") else None
    return [name for top in _top_parts(organ) for name in _on_side(top, side)]


def related(one: str, other: str) -> bool:
    """Whether two parts are the same, or one is a member of the other, directly or through members.

    Raises:
        InputError: a name is not known.
    """
    first, second = canonical_name(one), canonical_name(other)
    return second in _with_members(first) or first in _with_members(second)


@cache
def table() -> dict[str, Part]:
    """All parts by name."""
    text = files("RSuperLib.anatomy").joinpath("parts.json").read_text(encoding="utf-8")
    return {row["name"]: _part(row) for row in json.loads(text)["parts"]}


def _part(row: dict[str, object]) -> Part:
    return Part(**{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()})  # type: ignore[arg-type]


@cache
def _with_members(name: str) -> frozenset[str]:
    inner = [_with_members(member) for member in (*table()[name].members, *table()[name].extras)]
    return frozenset({name}).union(*inner)


@cache
def _top_parts(organ: str) -> list[Part]:
    """The parts of an organ that are not part of another one."""
    inner = {name for one in table().values() for name in (*one.members, *one.extras)}
    return [one for one in table().values() if one.organ == organ and one.name not in inner]


def _on_side(one: Part, side: str | None) -> Iterator[str]:
    """The part itself, or its members where they have sides."""
    if _is_sided_inside(one):
        for member in one.members:
            yield from _on_side(table()[member], side)
    elif side is None or one.side in (None, side):
        yield one.name


def _is_sided_inside(one: Part) -> bool:
    members = [table()[name] for name in one.members]
    return one.side is None and any(member.side is not None or _is_sided_inside(member) for member in members)


@cache
def _by_key() -> dict[tuple[str, ...], str]:
    return {_key(name): one.name for one in table().values() for name in (one.name, *one.aliases)}


def _key(name: str) -> tuple[str, ...]:
    """A spelling's words, sorted: case, hyphens, spaces and the order of words do not matter."""
    words = [_SIDE_WORDS.get(word, _OTHER_WORDS.get(word, word)) for word in re.findall(r"[^\W_]+", name.lower())]
    pieces: list[str] = [piece for word in words for piece in re.findall(r"\d+|[^\W\d_]+", word)]
    if "segment" in pieces:
        pieces = [_ROMAN.get(piece, piece) for piece in pieces]
    return tuple(sorted(pieces))


def _suggestion(name: str) -> str:
    spellings = {" ".join(key): found for key, found in _by_key().items()}
    near = difflib.get_close_matches(" ".join(_key(name)), spellings, n=3, cutoff=0.6)
    names = list(dict.fromkeys(spellings[one] for one in near))
    return f"Did you mean {_either(names)}?" if names else "The known names stand in Docs/parts.md."


def _either(names: Sequence[str]) -> str:
    return " or ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} or {names[-1]}"
