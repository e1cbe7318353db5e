"""Compound words: `leverlaesie` is read as `lever laesie`; every character keeps its place in the pasted text."""

from __future__ import annotations

import re
from functools import lru_cache

from RSuperLib.report.normalise import NormalText

_WORD = re.compile(r"[a-z]{6,}")
_REMEMBERED = 4096  # words; keeps the memory of a long run bounded


class Compounds:
    """Takes compounds of one language apart where both sides are words of its data.

    Args:
        words: patterns of the words that may come `first`, of the letters that may `link` them to the next word, and
            of the words that may come `last` (the head). An empty `first` = the language writes its compounds apart.
    """

    def __init__(self, words: dict[str, str]) -> None:
        self._any = bool(words["first"])
        first = rf"(?:{words['first']})(?:{words['link']})?"
        self._first = re.compile(rf"{first}(?=(?:{first})*(?:{words['last']})$)")
        self._cuts = lru_cache(_REMEMBERED)(self._find_cuts)

    def separate(self, report: NormalText) -> NormalText:
        """The report with a space inside each compound; the spans of its characters stay those of the original."""
        if not self._any:
            return report
        places = [match.start() + cut for match in _WORD.finditer(report.text) for cut in self._cuts(match.group())]
        if not places:
            return report
        offsets: list[int] = []
        for start, end in zip([0, *places], [*places, len(report.text)], strict=True):
            offsets += [*report.offsets[start:end], report.offsets[end - 1]]
        offsets[-1] = report.offsets[len(report.text)]
        return NormalText(report.original, _spaced(report.cased, places), _spaced(report.text, places), offsets)

    def _find_cuts(self, word: str) -> tuple[int, ...]:
        """Where a word comes apart: `pancreaskopcarcinoom` after "pancreas" and after "kop"."""
        cuts: list[int] = []
        while match := self._first.match(word, cuts[-1] if cuts else 0):
            cuts.append(match.end())
        return tuple(cuts)


def _spaced(text: str, places: list[int]) -> str:
    return " ".join(text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True))
