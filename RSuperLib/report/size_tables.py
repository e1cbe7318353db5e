"""Tables of lesions: a row for each, with its sizes at several examinations in columns."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.measurements import Measurement
from RSuperLib.report.vocabulary import Head, Vocabulary, Words

_RULE = re.compile(r"\s*\|\s*|\t+\s*| {3,}")
_FEWEST = 3  # cells of a row


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table: which time each tells of ("now", "prior", "label" or ""), and its unit."""

    columns: tuple[str, ...]
    millimetres: tuple[float | None, ...]

    def row(self, vocabulary: Vocabulary, words: Words) -> Words | None:
        """The words of a row, with the sizes that its columns give; None where the sentence is no row of this table."""
        cells = _cells(words)
        if len(cells) != len(self.columns):
            return None
        sizes = [
            replace(size, prior=column == "prior", now=column == "now")
            for (start, end), column, unit in zip(cells, self.columns, self.millimetres, strict=True)
            if column in ("prior", "now") and (size := self._size(vocabulary, words, start, end, unit))
        ]
        label = max(end for (_, end), column in zip(cells, self.columns, strict=True) if column == "label")
        heads = words.heads or [_unnamed(words, cells, label)]
        clauses = [(words.sentence.start, words.sentence.end)]
        return replace(words, heads=heads, sizes=sizes, measured=[], others=[], clauses=clauses)

    @staticmethod
    def _size(vocabulary: Vocabulary, words: Words, start: int, end: int, unit: float | None) -> Measurement | None:
        return vocabulary.sizes.in_cell(words.text, start, end, unit)


def table_begun(vocabulary: Vocabulary, words: Words) -> Table | None:
    """The table whose head this sentence is: `Lesion | Baseline (mm) | Current (mm)`."""
    cells = [words.text[start:end] for start, end in _cells(words)]
    columns = tuple(_column(vocabulary, cell) for cell in cells)
    if "label" not in columns or "now" not in columns:
        return None
    return Table(columns, tuple(vocabulary.sizes.unit_in(cell) for cell in cells))


def numbered_row(vocabulary: Vocabulary, words: Words) -> Words:
    """The words of `Target 1 - liver segment 7: 32 mm`, whose lesion has a number for a name."""
    start = words.sentence.start
    if words.heads or not words.sizes or not vocabulary.columns["row"].match(words.text, start):
        return words
    return replace(words, heads=[_unnamed(words, [(start, start)], words.sizes[0].start)])


def _column(vocabulary: Vocabulary, cell: str) -> str:
    return next((name for name in ("prior", "now", "label") if vocabulary.columns[name].search(cell)), "")


def _cells(words: Words) -> list[tuple[int, int]]:
    start, end = words.sentence.start, words.sentence.end
    if (
        "\t" not in words.report.cased[start:end]
        and "|" not in words.text[start:end]
        and "   " not in words.text[start:end]
    ):
        return []
    rules = [(m.start(), m.end()) for m in _RULE.finditer(words.report.cased, start, end)]
    edges = [start, *(edge for rule in rules for edge in rule), end]
    cells = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    cells = [cell for cell in cells if cell[0] < cell[1] or cell not in (cells[0], cells[-1])]
    return cells if len(cells) >= _FEWEST else []


def _unnamed(words: Words, cells: list[tuple[int, int]], label: int) -> Hit[Head]:
    """A row names only the place of its lesion."""
    start = min(cell[0] for cell in cells)
    return Hit(start, label, words.text[start:label], Head("indeterminate", 1, plural=False, generic=True))
