"""The words of a language, from its data files.

A language is a folder of JSON files under `languages`; adding one adds data, not code. Entries are regular expressions
over lower-case text in which a space also stands for a hyphen and for several spaces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any, Generic, TypeVar

from RSuperLib.report.normalise import lower_plain

_Value = TypeVar("_Value")
_FIRST_LETTER = re.compile(r"[a-z](?![?*{|])")
FUNCTION_WORDS = "function_words.json"


@dataclass(frozen=True, slots=True)
class Hit(Generic[_Value]):
    """Words found in a text, and what they mean."""

    start: int
    end: int
    text: str
    value: _Value


class Table(Generic[_Value]):
    """Words and their meaning; at one place the longest words win, then the earlier row."""

    def __init__(self, rows: Iterable[tuple[str, _Value]]) -> None:
        pairs = [(alternative, value) for words, value in rows for alternative in split_alternatives(words)]
        pairs.sort(key=lambda pair: _letters(pair[0]), reverse=True)
        opened = [(opening, value) for words, value in pairs for opening in _openings(_plain(words))]
        # The empty group after each alternative tells which one matched.
        order, alternatives = _by_first_letter([f"{words}()" for words, _ in opened])
        self._values = [opened[place][1] for place in order]
        self._pattern = re.compile(rf"(?<![a-z0-9])(?:{alternatives or '(?!)'})(?![a-z0-9])")

    def find(self, text: str, start: int = 0, end: int | None = None) -> list[Hit[_Value]]:
        """All hits in text[start:end], left to right, not overlapping."""
        found = self._pattern.finditer(text, start, len(text) if end is None else end)
        return [Hit(m.start(), m.end(), m.group(), self._values[(m.lastindex or 1) - 1]) for m in found]


class Rows(Generic[_Value]):
    """Words and their meaning, where the same words may stand in several rows and mean all of them."""

    def __init__(self, rows: Iterable[tuple[str, _Value]]) -> None:
        pairs = list(rows)
        self._values = [value for _, value in pairs]
        alternatives = (one for words, _ in pairs for one in split_alternatives(_plain(words)))
        _, words = _by_first_letter([opening for one in alternatives for opening in _openings(one)])
        #: Where any of them begins; few places do, and to look for each row in turn takes many times as long.
        self._starts = re.compile(rf"(?<![a-z0-9])(?=[a-z0-9])(?=(?:{words})(?![a-z0-9]))")
        # Every row looks ahead from the same place: one walk through the text instead of one per row.
        looks = "".join(rf"(?:(?=((?:{_plain(words)}))(?![a-z0-9]))|)" for words, _ in pairs)
        self._pattern = re.compile(looks)

    def find(self, text: str, start: int, end: int) -> list[Hit[_Value]]:
        """All hits in text[start:end], by where they start; those of one row do not overlap."""
        found: list[Hit[_Value]] = []
        ends: dict[int, int] = {}
        for at in (match.start() for match in self._starts.finditer(text, start, end)):
            match = self._pattern.match(text, at, end)
            for row, words in enumerate(match.groups() if match else ()):
                if words is not None and ends.get(row, 0) <= at:
                    ends[row] = at + len(words)
                    found.append(Hit(at, ends[row], words, self._values[row]))
        return found


def phrase(words: str) -> re.Pattern[str]:
    """A pattern that finds one of the words, whole."""
    return re.compile(_bounded(words))


def _letters(words: str) -> int:
    """About how much text a pattern can match: its length without the signs of its syntax."""
    words = re.sub(r"\(\?<?[=!](?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "", words)  # what only stands around them
    return len(re.sub(r"\(\?[:=!]|[()\[\]?*+|\\]", "", words))


def split_alternatives(words: str) -> list[str]:
    """The alternatives of a pattern at its top level: `a|(b|c)` gives `a` and `(b|c)`."""
    parts, depth, current = [], 0, ""
    for character in words:
        depth += (character in "([") - (character in ")]")
        if character == "|" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [*parts, current]


def _openings(words: str) -> list[str]:
    """A pattern as alternatives, in order, without a choice at its beginning: `(?:a |b )?c` as `a c`, `b c`, `c`."""
    if not words.startswith("(?:"):
        return [words]
    end = _end_of_group(words)
    choices, rest = split_alternatives(words[3 : end - 1]), words[end:]
    if rest.startswith(("*", "+", "{", "??", "?+")):
        return [words]
    optional = rest.startswith("?")
    rest = rest.removeprefix("?")
    ends = [choice + rest for choice in choices] + ([rest] if optional else [])
    return [opening for one in ends for opening in _openings(one)]


def _end_of_group(words: str) -> int:
    depth, inside, place = 0, False, 0
    while place < len(words):
        sign = words[place]
        inside = sign == "[" or (inside and sign != "]")
        depth += 0 if inside else (sign == "(") - (sign == ")")
        if depth == 0:
            return place + 1
        place += 2 if sign == "\\" else 1
    raise ValueError(words)


def _by_first_letter(alternatives: list[str]) -> tuple[list[int], str]:
    """The alternatives with those of one first letter together, so that few are tried at a word; and their order.

    Those that begin with no plain letter are tried where they stood, for every letter.
    """
    letters = {words[0] for words in alternatives if _FIRST_LETTER.match(words)}
    order: list[int] = []
    groups: list[str] = []
    for letter in sorted(letters):
        own = [n for n, words in enumerate(alternatives) if words[0] == letter or not _FIRST_LETTER.match(words)]
        groups.append(f"(?={letter})(?:{'|'.join(alternatives[n] for n in own)})")
        order += own
    own = [n for n, words in enumerate(alternatives) if not _FIRST_LETTER.match(words)]
    groups += [alternatives[n] for n in own]
    return order + own, "|".join(groups)


def _bounded(words: str) -> str:
    return rf"(?<![a-z0-9])(?:{_plain(words)})(?![a-z0-9])"


def _plain(words: str) -> str:
    """The pattern without groups of its own."""
    return _loosen_spaces(re.sub(r"\((?!\?)", "(?:", words))


def _loosen_spaces(words: str) -> str:
    """Let a space stand for hyphens and several spaces, but not where it is optional or in a class."""
    return re.sub(r" (?![?*+-]|[^\[]*\])", "[ -]{1,3}", words)


@dataclass(frozen=True)
class Language:
    """The data files of one language, by name."""

    code: str
    anatomy: dict[str, Any]
    attributes: dict[str, Any]
    context: dict[str, Any]
    grammar: dict[str, Any]
    lesions: dict[str, Any]
    sections: dict[str, Any]


@cache
def load_language(code: str) -> Language:
    """The language with this two-letter code, from `languages/<code>`."""
    folder = files("RSuperLib.report") / "languages" / code
    names = (field.name for field in fields(Language) if field.name != "code")
    return Language(code, **{name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in names})


@cache
def supported_languages() -> tuple[str, ...]:
    """Codes of the languages that can be read."""
    folder = files("RSuperLib.report") / "languages"
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))


@cache
def function_words() -> dict[str, tuple[str, ...]]:
    """Frequent small words, by which a language is recognised, each with the codes of its languages."""
    path = files("RSuperLib.report") / "languages" / FUNCTION_WORDS
    languages: dict[str, list[str]] = {}
    for code, words in json.loads(path.read_text("utf-8")).items():
        for word in {lower_plain(word) for word in words}:
            languages.setdefault(word, []).append(code)
    return {word: tuple(codes) for word, codes in languages.items()}
