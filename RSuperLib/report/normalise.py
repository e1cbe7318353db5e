"""One spelling for every character, with the way back to the pasted text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

_SPELLINGS = {
    **dict.fromkeys("×✕✖⨯╳", "x"),
    **dict.fromkeys("‐‑‒–—−﹣－", "-"),
    **dict.fromkeys("“”„«»‟″", '"'),
    **dict.fromkeys("‘’‚´`", "'"),
    **dict.fromkeys("●▪◦‣∙·", "•"),
    "\r": "\n",
    "\v": "\n",
    "\f": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}
#: Stands in a number where a control character made it unreadable.
DAMAGE = "\x1a"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_OF_NUMBER = re.compile(r"[\d.,]")


@dataclass(frozen=True, slots=True)
class NormalText:
    """A report in one spelling.

    `cased` and `text` (lower case without accents, line breaks as spaces) have equal length; `offsets[i]` is the place
    of character i in `original`, and has one more entry for the end.
    """

    original: str
    cased: str
    text: str
    offsets: list[int] | range

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """The span of `original` that the characters start to end of `text` came from."""
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(original: str) -> NormalText:
    """Compatibility forms (full-width digits, `㎜`), multiplication signs, dashes, quotes, spaces in one spelling."""
    if original.isascii() and not _CONTROL.search(original):
        cased = original.replace("\r", "\n")
        return NormalText(original, cased, lower_plain(cased), range(len(original) + 1))
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(original):
        control = _CONTROL.match(character)
        spelled = _spell_control(original, place) if control else _spell(character)
        characters.append(spelled)
        places.extend([place] * len(spelled))
    cased = "".join(characters)
    return NormalText(original, cased, lower_plain(cased), [*places, len(original)])


def _spell_control(original: str, place: int) -> str:
    """A character that no keyboard writes: inside a number it may stand for anything, inside a word for nothing."""
    before, after = original[place - 1 : place], original[place + 1 : place + 2]
    if _OF_NUMBER.match(before) and _OF_NUMBER.match(after):
        return DAMAGE
    if original[place] in _SPELLINGS:
        return _SPELLINGS[original[place]]
    alone = (before.isalpha() and after.isalpha()) or before.isspace() or after.isspace()
    return "" if alone else " "


def _spell(character: str) -> str:
    if character in _SPELLINGS:
        return _SPELLINGS[character]
    if character.isascii() or character in "²³":  # a square metre is not "m2"
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Mn"):  # joiners, direction marks, soft hyphens, accents on their own
        return ""
    if category == "Zs":
        return " "
    return unicodedata.normalize("NFKC", character)


def lower_plain(cased: str) -> str:
    """Lower case without accents, of the same length: the words of a language need one spelling in its data."""
    lower = cased.lower()
    if not cased.isascii():
        lower = "".join(_plain_letter(c) for c in cased)
    return lower.replace("\n", " ").replace("\t", " ")


@cache
def _plain_letter(character: str) -> str:
    lower = character.lower()
    if len(lower) != 1:  # İ becomes two characters
        return character
    parts = unicodedata.normalize("NFD", lower)
    return parts[0] if all(unicodedata.combining(mark) for mark in parts[1:]) else lower
