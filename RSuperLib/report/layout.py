"""Sections and sentences of a report, as spans of its normal text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from RSuperLib.report.lexicon import Language, phrase
from RSuperLib.report.normalise import NormalText, lower_plain

#: Sections that describe other times, other people or the scanner: they never make a current finding.
UNREAD_SECTIONS = frozenset({"history", "technique", "comparison", "administrative"})

#: A capital letter in the middle of a sentence, at a word that is no abbreviation and no level ("T3").
_LOST_BREAK = re.compile(r"(?<=[a-z)] )(?=[A-Z][a-z]{2,})")
_LONGEST_BRACKET = 160  # characters
_IN_SIGHT = 80  # characters around a mark that tell whether it ends a sentence; a long row of marks stays cheap
_LONGEST_SENTENCE = 1200  # characters; keeps the work per sentence bounded
_HEADING = re.compile(r"[ \t]*(?:[-*•>]|\d{1,2}[.)](?!\d))?[ \t]*([^\W\d_][\w ,/&'()-]{0,70}?)[ \t]*(:|\.?[ \t]*$)")
_LIST_MARKER = re.compile(r"[ \t]*(?:(?:\d{1,2}[.)](?!\d)|[-*•>\"]|\(\d{1,2}\))[ \t]*)+")
_ITEM = re.compile(r"(?<![^\s])(\d{1,2})[.)][ \t]+(?=[A-Z])")
#: Sections that a line of their name alone begins. "more" goes on with the findings: "Other findings".
_NEED_NO_COLON = ("findings", "more", "impression", "history", "technique", "comparison")
_STOPS = re.compile(r"[,;:]|\.(?!\d)")
_LONG_WITHOUT_STOPS = 20  # words
_SENTENCE_END = re.compile(r"[.!?](?=\s)\s*")
_INLINE_BULLET = re.compile(r"(?<=[^\n])[ \t]?[•\"][ \t]*(?=[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: its span, its section, and the heading it stands under ("kidneys", "abdomen")."""

    start: int
    end: int
    section: str
    heading: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    section: str
    heading: tuple[int, int] | None


class Layout:
    """Finds the sentences of reports in one language."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def sentences(self, report: NormalText) -> list[Sentence]:
        """The sentences of all sections, in order; list markers and headings are left out."""
        found = [
            Sentence(start, end, block.section, block.heading)
            for block in self._blocks(report)
            for start, end in self._split(report.cased, block.start, block.end)
        ]
        concluded = any(sentence.section == "impression" for sentence in found)
        last = len(found) - 1
        return [
            replace(piece, section="impression") if 0 < place == last and not concluded and piece != sentence else piece
            for place, sentence in enumerate(found)
            for part in self._without_lost_stops(report.cased, sentence)
            for piece in _without_lost_breaks(report.cased, part)
        ]

    def _without_lost_stops(self, cased: str, sentence: Sentence) -> list[Sentence]:
        """The sentences of dictation without signs: `there is a cyst in the liver the spleen is normal`."""
        text = cased[sentence.start : sentence.end]
        if _STOPS.search(text) or len(text.split()) < _LONG_WITHOUT_STOPS:
            return [sentence]
        starts = [match.start() for match in self._spoken.finditer(lower_plain(text)) if match.start()]
        edges = [0, *starts, len(text)]
        return [
            replace(sentence, start=sentence.start + a, end=sentence.start + a + len(text[a:b].rstrip()))
            for a, b in pairwise(edges)
        ]

    def holds_several_reports(self, report: NormalText) -> bool:
        """Whether indication or technique come again after an impression, and lead to another impression."""
        concluded, begins = False, False
        for block in self._blocks(report):
            begins = begins or (concluded and block.heading is None and block.section in ("history", "technique"))
            if block.section == "impression" and begins:
                return True
            concluded = concluded or block.section == "impression"
        return False

    @cached_property
    def _spoken(self) -> re.Pattern[str]:
        return phrase(self._language.sections["spoken"])

    @cached_property
    def _headings(self) -> list[tuple[re.Pattern[str], str]]:
        kinds: dict[str, list[str]] = self._language.sections["headings"]
        return [(re.compile("|".join(words)), kind) for kind, words in kinds.items()]

    @cached_property
    def _region_headings(self) -> re.Pattern[str]:
        regions: dict[str, list[str]] = self._language.sections["regions"]
        return re.compile("|".join(words for region in regions.values() for words in region))

    @cached_property
    def _inline_heading(self) -> re.Pattern[str]:
        words = [
            w
            for kind in ("history", "technique", "comparison", "findings", "impression", "addendum")
            for w in self._language.sections["headings"][kind]
        ]
        return re.compile(rf"(?<=[.!?] )({'|'.join(words)}) ?:", re.IGNORECASE)

    @cached_property
    def _organ_heading(self) -> re.Pattern[str]:
        organs: dict[str, str] = self._language.anatomy["organs"]
        return phrase("|".join([*organs.values(), self._language.sections["organ_headings"]]))

    @cached_property
    def _size(self) -> re.Pattern[str]:
        units = "|".join(self._language.attributes["units"].values())
        return re.compile(rf"\d[ -]?(?:{units})\b", re.IGNORECASE)

    @cached_property
    def _key(self) -> re.Pattern[str]:
        """A line of a form that goes on about its organ: `Largest: 3.9 cm`."""
        return phrase(self._language.sections["keys"])

    @cached_property
    def _row(self) -> re.Pattern[str]:
        """The number of a lesion in a list: `Target 1 - liver segment 7: 32 mm`."""
        return phrase(self._language.sections["table"]["row"])

    @cached_property
    def _goes_on(self) -> re.Pattern[str]:
        """A line that ends like this goes on in the next one."""
        return re.compile(rf"(?:[,(/-]|\b(?:{self._language.grammar['line_goes_on']}))[ \t]*$")

    @cached_property
    def _lesion(self) -> re.Pattern[str]:
        """A line that names a lesion before its colon is no heading: `Lymphadenopathy: absent`."""
        rows: list[dict[str, str]] = self._language.lesions["heads"]
        return phrase("|".join(row[number] for row in rows for number in ("one", "many") if number in row))

    @cached_property
    def _abbreviation(self) -> re.Pattern[str]:
        words = "|".join(re.escape(word) for word in self._language.sections["abbreviations"])
        return re.compile(rf"(?:^|[^a-z0-9])(?:{words}|[a-z])\.$")

    @cached_property
    def _closing_abbreviation(self) -> re.Pattern[str]:
        """An abbreviation that is a statement of its own, so that its last full stop may end the sentence."""
        words = "|".join(re.escape(word) for word in self._language.sections["closing_abbreviations"])
        return re.compile(rf"(?:^|[^a-z0-9])(?:{words})\.$")

    def _blocks(self, report: NormalText) -> Iterator[_Block]:
        cased = report.cased
        lines = [(start, end, self._heading_at(cased, start, end)) for start, end in self._lines(cased)]
        announced = max((i for i, line in enumerate(lines) if line[2] and line[2][0] == "findings"), default=-1)
        first = next((i for i, line in enumerate(lines) if line[2]), -1)
        section, heading, told, listed, described = "findings", None, False, False, False
        for index, (start, end, named) in enumerate(lines):
            body = start
            if named:
                kind, from_, to, body = named[0], start + named[1], start + named[2], start + named[3]
                kind = "impression" if described and self._may_conclude(cased[from_:to]) else kind
                section = (
                    "findings" if kind == "more" else kind or ("findings" if section in UNREAD_SECTIONS else section)
                )
                heading = None if kind else (from_, to)
                told, listed = False, _LIST_MARKER.match(cased, start) is not None
            elif listed and _LIST_MARKER.match(cased, start):
                heading = None  # another item of the list
            elif section in ("history", "technique", "comparison") and told and index > announced:
                section = "findings" if section == "comparison" or _begins_anew(cased, start) else section
            opening = index < min(first, announced) or (index == 0 and not named and self._is_title(cased, end))
            before = "history" if opening and not self._size.search(cased, start, end) else section
            told = told or bool(cased[body:end].strip(" \t\n:"))
            described = described or (told and section == "findings" and before == section)
            yield from self._tail_is_impression(cased, _Block(body, end, before, heading))

    def _may_conclude(self, name: str) -> bool:
        """`Result` opens the findings, or after them the conclusion: it is listed among the names of both."""
        return self._named_impression.fullmatch(lower_plain(name.strip())) is not None

    @cached_property
    def _named_impression(self) -> re.Pattern[str]:
        return re.compile("|".join(self._language.sections["headings"]["impression"]))

    def _is_title(self, cased: str, end: int) -> bool:
        """Whether the first line names the examination, and is no sentence: `CT staging of rectal cancer`."""
        line = lower_plain(cased[:end].strip())
        sentence = line[-1:] in (".", ":", ";") or end == len(cased) or self._verbs.search(line)
        return not sentence and self._title.match(line) is not None

    @cached_property
    def _verbs(self) -> re.Pattern[str]:
        return phrase(self._language.context["verbs"])

    @cached_property
    def _title(self) -> re.Pattern[str]:
        return phrase(self._language.sections["title"])

    def _lines(self, cased: str) -> Iterator[tuple[int, int]]:
        """Logical lines: wrapped lines are joined, headings inside a line start a new one."""
        cuts = [0]
        for line_break in re.finditer(r"\n", cased):
            place = line_break.start()
            before = cased[max(cuts[-1], place - 200) : place]
            if self._breaks(before, cased[place + 1 : place + 90]):
                cuts.append(place + 1)
        for match in self._inline_heading.finditer(cased):
            cuts.append(match.start())
            if self._heading_kind(match[1]) in UNREAD_SECTIONS:  # it holds for its own sentence
                cuts += [ending.end() for ending in [_SENTENCE_END.search(cased, match.end())] if ending]
        cuts += _inline_items(cased)
        cuts = [*sorted(set(cuts)), len(cased)]
        for start, end in pairwise(cuts):
            if cased[start:end].strip():
                yield start, end

    def _breaks(self, before: str, after: str) -> bool:
        follows = after.lstrip(" \t")
        if not before.strip() or not follows.strip() or follows[0] == "\n":
            return True
        if before.rstrip()[-1] in ".:;!?" or _LIST_MARKER.match(follows) or self._goes_on.search(before):
            return not self._goes_on.search(before)
        return follows[0].isupper() or self._heading_of(follows.split("\n", 1)[0]) is not None

    def _heading_at(self, cased: str, start: int, end: int) -> tuple[str, int, int, int] | None:
        """As `_heading_of`; a dictated paragraph begins with the bare name of its section: `impression renal cyst`."""
        spoken = re.match(r"([a-z]+) (?=[a-z0-9])", cased[start:end])
        kind = self._heading_kind(spoken[1]) if spoken and _begins_anew(cased, start) else ""
        if spoken and kind in ("findings", "impression"):
            return kind, 0, spoken.end(1), spoken.end()
        return self._heading_of(cased[start:end])

    def _heading_of(self, line: str) -> tuple[str, int, int, int] | None:
        """Kind ("" for an organ or a region), span of the name, and where the text after it begins."""
        match = _HEADING.match(line)
        if match is None:
            return None
        name, colon = re.sub(r"[^a-z' ]+", " ", lower_plain(match[1])).strip(), match[2] == ":"
        name = re.sub(r" +", " ", name)
        span = (match.start(1), match.end(1), match.end())
        kind = self._heading_kind(name)
        if kind and (colon or kind in _NEED_NO_COLON):
            return (kind, *span)
        if self._region_headings.fullmatch(name) if colon else self._organ_heading.fullmatch(name):
            return ("", *span)
        if self._key.fullmatch(name) or self._row.match(lower_plain(match[1])):
            return None
        if colon and len(name.split()) <= 5 and (self._organ_heading.fullmatch(name) or not self._lesion.search(name)):
            return ("", *span)
        return None

    def _heading_kind(self, name: str) -> str:
        return next((kind for pattern, kind in self._headings if pattern.fullmatch(name.lower())), "")

    @staticmethod
    def _tail_is_impression(cased: str, block: _Block) -> Iterator[_Block]:
        """Bullets that follow prose on the same line are its conclusions."""
        bullet = _INLINE_BULLET.search(cased, block.start, block.end)
        prose = bullet and len(cased[block.start : bullet.start()].strip()) > 80
        if not bullet or not prose or block.section != "findings":
            yield block
            return
        yield _Block(block.start, bullet.start(), block.section, block.heading)
        yield _Block(bullet.start(), block.end, "impression", None)

    def _split(self, cased: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        cut, depth, opened = start, 0, start
        for mark in re.finditer(r"[()]|[.!?](?=[\s\"•)]|$)|;|[\s.][•\"](?=\s*\S)", cased[start:end]):
            place, sign = start + mark.start(), mark.group()[0]
            if sign in "()":
                depth, opened = (1, place) if sign == "(" and _closes(cased, place, end) else (0, opened)
            elif (depth and place - opened < _LONGEST_BRACKET) or (sign == ";" and _goes_on_small(cased, place, end)):
                continue
            elif len(mark.group()) == 2 or self._ends_here(cased, cut, place, end):
                depth = 0
                yield from _trimmed(cased, cut, place + 1)
                cut = place + 1
        yield from _trimmed(cased, cut, end)

    def _ends_here(self, cased: str, cut: int, place: int, end: int) -> bool:
        before = cased[max(cut, place - _IN_SIGHT) : place + 1].lower()
        if re.fullmatch(r"\s*\(?\d{1,2}\.|[^a-z0-9]*", before):
            return False
        if cased[place] != ".":
            following = cased[place + 1 : min(end, place + _IN_SIGHT)].lstrip(" ?")
            goes_on = following.startswith(")") or following[:1].islower()  # "a satellite?? nodule"
            return cased[place] != "?" or not goes_on
        if self._closing_abbreviation.search(before[-16:]):
            return not _goes_on_small(cased, place, end)
        short = self._abbreviation.search(before[-16:])
        return short is None or self._is_cancer(short.group(), cased[place + 1 : end])

    def _is_cancer(self, short: str, after: str) -> bool:
        """`A case of lung ca. The trachea …` ends a sentence, `ca. 5 mm` does not."""
        return self._lesion.search(short) is not None and after.lstrip()[:1].isupper()


def _inline_items(cased: str) -> list[int]:
    """Where the items of a numbered list on one line begin: `1) renal cyst 2) adrenal nodule`."""
    places, expected = [], 1
    for match in _ITEM.finditer(cased):
        number = int(match[1])
        if number not in (1, expected):
            continue
        if number > 1:
            places.append(match.start())
        expected = number + 1
    return places


def _begins_anew(cased: str, start: int) -> bool:
    """Whether a paragraph begins here, or a sentence in the middle of a line that a heading cut."""
    before = cased[:start].rstrip(" \t")
    return not before.endswith("\n") or before[:-1].rstrip(" \t").endswith("\n")


def _without_lost_breaks(cased: str, sentence: Sentence) -> list[Sentence]:
    """The lines of a list whose line breaks were lost: `Left adrenal mass Bone metastases Right effusion Emphysema`."""
    text = cased[sentence.start : sentence.end]
    starts = [match.start() for match in _LOST_BREAK.finditer(text)]
    if len(starts) < 3 or len(starts) + 1 > len(text.split()) / 2:
        return [sentence]
    edges = [0, *starts, len(text)]
    return [
        replace(sentence, start=sentence.start + a, end=sentence.start + a + len(text[a:b].rstrip()))
        for a, b in pairwise(edges)
    ]


def _closes(cased: str, opening: int, end: int) -> bool:
    """Whether a bracket is closed; one that is not would swallow the ends of the sentences after it."""
    following = re.compile(r"[()]").search(cased, opening + 1, end)
    return following is not None and following.group() == ")"


def _goes_on_small(cased: str, place: int, end: int) -> bool:
    """Whether a semicolon stands inside a sentence: no capital letter follows it."""
    return not cased[place + 1 : min(end, place + 12)].lstrip()[:1].isupper()


def _trimmed(cased: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence without its marker and blanks; one without an end is cut at a space."""
    while end - start > _LONGEST_SENTENCE:
        cut = max(cased.rfind(" ", start, start + _LONGEST_SENTENCE), start + _LONGEST_SENTENCE // 2)
        yield from _trimmed(cased, start, cut)
        start = cut
    marker = _LIST_MARKER.match(cased, start, end)
    start = marker.end() if marker else start
    text = cased[start:end]
    start += len(text) - len(text.lstrip(' \t\n•"'))
    end -= len(text) - len(text.rstrip(' \t\n•"'))
    if any(character.isalpha() for character in cased[start:end]):
        yield start, end
