"""The report's text laid out in lines, with what was read out of it marked; the words themselves are never changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from RSuperLib.agreement.schema import Agreement
from RSuperLib.report.schema import Evidence, Finding, Reading

Style = Literal["plain", "present", "hedged", "negated"]
#: Width of a text in the unit of the page.
Measure = Callable[[str], float]

BADGE_WIDTH = 19.0  # page units that the number of a lesion takes in front of its evidence


@dataclass(frozen=True)
class Mark:
    """How one stretch of the report is shown.

    Attributes:
        style: present = tinted, hedged = dashed underline, negated = greyed (negated, prior or resected).
        lesion: label of the lesion that gives the colour; None = nothing in the mask belongs to it.
        exact: whether a value (a size, a place) was read from these very words.
    """

    style: Style = "plain"
    lesion: int | None = None
    exact: bool = False


PLAIN = Mark()


@dataclass(frozen=True)
class Piece:
    """Words of one line that are shown alike, at `x` page units from the line's start."""

    text: str
    x: float
    width: float
    mark: Mark = PLAIN
    #: Lesions whose numbers stand in front of the words.
    badges: tuple[int, ...] = ()

    @property
    def text_x(self) -> float:
        """Where the words start, after the badges."""
        return self.x + BADGE_WIDTH * len(self.badges)


Line = tuple[Piece, ...]

#: Stands for lines that are left out.
GAP: Line = (Piece("…", 0.0, 0.0),)
_GAP_HEIGHT = 0.7
_LEAST_BROKEN_LINE = 40  # characters; lists and headings are shorter than what programs break


def lesions_of(agreement: Agreement) -> dict[str, list[int]]:
    """Lesions that belong to each finding, by the finding's id."""
    found: dict[str, list[int]] = {}
    for row in agreement.rows:
        if row.finding is not None and row.lesion is not None:
            found.setdefault(row.finding, []).append(row.lesion)
    return found


def style_of(finding: Finding) -> Style:
    """How the evidence of a finding is shown."""
    if not finding.is_lesion:
        return "negated"
    return "present" if finding.presence == "present" else "hedged"


def marks(report: str, reading: Reading, agreement: Agreement) -> list[Mark]:
    """Mark of every character of the report; the narrower evidence wins where two overlap.

    A span whose words are not in the report at its place is not shown.
    """
    lesions = lesions_of(agreement)
    spans: list[tuple[Evidence, Mark]] = []
    for finding in reading.findings:
        mark = Mark(style_of(finding), next(iter(lesions.get(finding.lesion_id, [])), None))
        spans += [(span, mark) for span in finding.evidence]
        exact = replace(mark, exact=True)
        spans += [(span, exact) for values in finding.field_evidence.values() for span in values]
    shown = [PLAIN] * len(report)
    for span, mark in sorted(spans, key=lambda item: item[0].start - item[0].end):
        if report[span.start : span.end] == span.text:
            shown[span.start : span.end] = [mark] * len(span.text)
    return shown


def badges(reading: Reading, agreement: Agreement) -> dict[int, tuple[int, ...]]:
    """Lesions to name in front of the character where their first evidence starts."""
    lesions = lesions_of(agreement)
    starts: dict[int, tuple[int, ...]] = {}
    for finding in reading.findings:
        for span in finding.evidence:
            before = starts.get(span.start, ())
            new = tuple(label for label in lesions.get(finding.lesion_id, []) if label not in before)
            if new:
                starts[span.start] = before + new
    return starts


@dataclass(frozen=True)
class _Glyphs:
    """One stretch of characters that stays together on a line, as pieces yet without a place."""

    pieces: Line
    is_space: bool

    @property
    def width(self) -> float:
        return sum(piece.width for piece in self.pieces)


def lay_out(
    report: str, marked: Sequence[Mark], named: Mapping[int, tuple[int, ...]], width: float, measure: Measure
) -> list[Line]:
    """Lines of at most `width` page units; an empty line is an empty tuple.

    Args:
        report: the text; characters without a glyph are the caller's to replace, one for one.
        marked: one mark per character (see `marks`).
        named: lesions to name in front of a character (see `badges`).
        width: page units.
        measure: width of a text.
    """
    lines: list[Line] = []
    for span in _paragraphs(report):
        words = list(_words(report, span, marked, named, width, measure))
        lines += _filled(words, width) if any(not word.is_space for word in words) else [()]
    return _without_double_blanks(lines)


def _paragraphs(report: str) -> Iterator[tuple[int, int]]:
    """Spans of the report's lines; a long line that goes on in lower case or a bracket was broken and is rejoined."""
    start = 0
    for line in re.finditer(r"([^\n]*)(?:\n|$)", report):
        following = report[line.end() : line.end() + 1]
        goes_on = len(line.group(1)) >= _LEAST_BROKEN_LINE and (following.islower() or following == "(")
        if not goes_on and line.end() > start:
            yield start, line.end()
            start = line.end()


def _words(
    report: str,
    span: tuple[int, int],
    marked: Sequence[Mark],
    named: Mapping[int, tuple[int, ...]],
    width: float,
    measure: Measure,
) -> Iterator[_Glyphs]:
    for token in re.compile(r"\s+|\S+").finditer(report, *span):
        is_space = token.group().isspace()
        text = " " * len(token.group()) if is_space else token.group()
        pieces = tuple(_pieces(text, token.start(), marked, named, measure))
        word = _Glyphs(pieces, is_space)
        yield from [word] if word.width <= width else _broken(word, width, measure)


def _pieces(
    text: str, start: int, marked: Sequence[Mark], named: Mapping[int, tuple[int, ...]], measure: Measure
) -> Iterator[Piece]:
    begin = 0
    for end in range(1, len(text) + 1):
        at = start + end
        if end == len(text) or marked[at] != marked[at - 1] or at in named:
            part, labels = text[begin:end], named.get(start + begin, ())
            yield Piece(part, 0.0, measure(part) + BADGE_WIDTH * len(labels), marked[start + begin], labels)
            begin = end


def _broken(word: _Glyphs, width: float, measure: Measure) -> Iterator[_Glyphs]:
    """A word that is wider than the line (a path, a language without spaces), in stretches that fit."""
    held: list[Piece] = []
    taken = 0.0
    for piece in word.pieces:
        for index, character in enumerate(piece.text):
            labels = piece.badges if index == 0 else ()
            single = Piece(character, 0.0, measure(character) + BADGE_WIDTH * len(labels), piece.mark, labels)
            if held and taken + single.width > width:
                yield _Glyphs(tuple(held), word.is_space)
                held, taken = [], 0.0
            held.append(single)
            taken += single.width
    yield _Glyphs(tuple(held), word.is_space)


def _filled(words: Iterable[_Glyphs], width: float) -> list[Line]:
    lines: list[list[Piece]] = [[]]
    x = 0.0
    for word in words:
        if x + word.width > width and not word.is_space:
            lines.append([])
            x = 0.0
        if word.is_space and not lines[-1] and len(lines) > 1:
            continue  # no indent where a line was broken
        for piece in word.pieces:
            lines[-1].append(replace(piece, x=x))
            x += piece.width
    return [tuple(_joined(line)) for line in lines]


def _joined(line: list[Piece]) -> Iterator[Piece]:
    """Neighbours with the same mark as one piece, without the space at the line's end."""
    while line and line[-1].text.isspace():
        line.pop()
    joined: list[Piece] = []
    for piece in line:
        if joined and joined[-1].mark == piece.mark and not piece.badges:
            last = joined[-1]
            joined[-1] = replace(last, text=last.text + piece.text, width=last.width + piece.width)
        else:
            joined.append(piece)
    yield from joined


def _without_double_blanks(lines: list[Line]) -> list[Line]:
    kept = [line for blank, group in groupby(lines, key=lambda line: not line) for line in ([()] if blank else group)]
    return kept[1 if kept and not kept[0] else 0 : -1 if kept and not kept[-1] else None]


def height_of(lines: Iterable[Line]) -> float:
    """Height of lines, in lines of text; an empty line and a "…" are lower."""
    return sum(_GAP_HEIGHT if line is GAP else 1.0 if line else 0.5 for line in lines)


def shortened(lines: list[Line], limit: float) -> list[Line]:
    """Lines of at most the height `limit`: those with evidence first, then the ones nearest to them; "…" for each gap.

    Evidence of what is there now comes before greyed evidence; without any the report is shown from its start.
    """
    if height_of(lines) <= limit:
        return lines
    kept: set[int] = set()
    for index in sorted(range(len(lines)), key=_ranks(lines).__getitem__):
        more = kept | {index}
        if height_of(lines[i] for i in more) + _GAP_HEIGHT * _gaps(more, len(lines)) > limit:
            break
        kept = more
    return list(_with_gaps(lines, kept))


def _ranks(lines: list[Line]) -> list[tuple[float, int]]:
    """What to show first: lines with evidence, then by distance to one."""
    current = [i for i, line in enumerate(lines) if any(p.mark.style in ("present", "hedged") for p in line)]
    greyed = [i for i, line in enumerate(lines) if any(p.mark.style == "negated" for p in line)]
    anchors = [(0.0, i) for i in current] + [(3.0, i) for i in greyed] or [(0.0, 0)]
    return [(min(cost + abs(i - anchor) for cost, anchor in anchors), i) for i in range(len(lines))]


def _gaps(kept: set[int], count: int) -> int:
    """Stretches of lines that are left out."""
    return sum(1 for i in range(count) if i not in kept and (i == 0 or i - 1 in kept))


def _with_gaps(lines: list[Line], kept: set[int]) -> Iterator[Line]:
    for left_out, group in groupby(range(len(lines)), key=lambda index: index not in kept):
        if left_out:
            yield GAP
        else:
            yield from (lines[index] for index in group)
