"""One report as the evidence gate sees it: where a quote stands, and which words of the dictionaries are around it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from RSuperLib.report.layout import UNREAD_SECTIONS, Layout, Sentence
from RSuperLib.report.measurements import Measurement
from RSuperLib.report.normalise import normalise
from RSuperLib.report.place import names_segment, organs_named, part_names
from RSuperLib.report.schema import Evidence
from RSuperLib.report.vocabulary import Words, find_words, vocabulary

Span = tuple[int, int]


class ReportText:
    """A report in a language that the rules can read.

    Args:
        text: the report as pasted.
        language: its two-letter code, as in `Reading.language`.
    """

    def __init__(self, text: str, language: str) -> None:
        self._normal = normalise(text)
        self._vocabulary = vocabulary(language)
        self._sentences = Layout(self._vocabulary.language).sentences(self._normal)

    def find(self, quote: str) -> list[Span]:
        """Where a quote stands word for word, in one spelling and with any white space between its words."""
        words = normalise(quote).text.split()
        if not words:
            return []
        pattern = r"\s+".join(re.escape(word) for word in words)
        # A quote of "3 cm" is not found in "13 cm" or "2.3 cm", nor "liver" in "livers".
        bounded = re.compile(rf"(?<![a-z0-9])(?<![0-9][.,]){pattern}(?![a-z0-9])(?![.,][0-9])")
        return [match.span() for match in bounded.finditer(self._normal.text)]

    def passage(self, span: Span) -> Passage | None:
        """The sentences that a span touches; None where it touches none, as a heading alone does."""
        touched = [k for k, s in enumerate(self._sentences) if s.start < span[1] and span[0] < s.end]
        if not touched:
            return None
        sentences = self._sentences[touched[0] : touched[-1] + 1]
        following = self._sentences[touched[-1] + 1 : touched[-1] + 2]
        return Passage(self, sentences, [s for s in following if self._goes_on(sentences[-1], s)])

    def evidence(self, span: Span) -> Evidence:
        """A span as characters of the pasted report."""
        start, end = self._normal.original_span(*span)
        passage = self.passage(span)
        section = passage.section if passage else ""
        return Evidence(start=start, end=end, text=self._normal.original[start:end], section=section)

    def words(self, sentence: Sentence) -> Words:
        """The dictionary words in a sentence."""
        return find_words(self._vocabulary, self._normal, sentence)

    def _goes_on(self, sentence: Sentence, following: Sentence) -> bool:
        """Whether the next sentence may still speak of the same lesion: same heading, and no other organ."""
        same_place = (sentence.section, sentence.heading) == (following.section, following.heading)
        return same_place and self.organs(self.words(following)) <= self.organs(self.words(sentence))

    def organs(self, words: Words) -> set[str]:
        """Organs that a sentence names, by name, by a part, or by a lesion that only they have."""
        start, end = words.sentence.start, words.sentence.end
        named = {hit.value for hit in organs_named(self._vocabulary, words, start, end)}
        named |= {hit.value for hit in self._vocabulary.organs_of_heads.find(words.text, start, end)}
        return named | {hit.value.organ for hit in words.heads if hit.value.organ}

    def sides(self, words: Words) -> set[str]:
        """Sides that a sentence names; "kidneys" names both."""
        sides: set[str] = {hit.value for hit in words.sides} | {p.value.side for p in words.places if p.value.side}
        both = self._vocabulary.paired_plural.search(words.text, words.sentence.start, words.sentence.end)
        return sides | {"bilateral"} if both or {"left", "right"} <= sides else sides


@dataclass(frozen=True)
class Passage:
    """The sentences that a quote stands in, with their headings and the sentence after them."""

    report: ReportText
    sentences: list[Sentence]
    following: list[Sentence]

    @property
    def section(self) -> str:
        """The section that the passage begins in: "findings", "history", …"""
        return self.sentences[0].section

    @property
    def is_unread(self) -> bool:
        """Whether it stands where a report tells of other times or of the scanner, never of lesions now."""
        return any(sentence.section in UNREAD_SECTIONS for sentence in self.sentences)

    @property
    def organs(self) -> set[str]:
        """Organs named in the passage or its headings; where none is, those that a numbered segment may be of."""
        named = {organ for words in self._with_headings for organ in self.report.organs(words)}
        places = [hit.value for words in self._own for hit in words.places if names_segment(hit.value)]
        return named or {organ for place in places for organ in place.organs}

    @property
    def sides(self) -> set[str]:
        """Sides named in the passage or its headings."""
        return {side for words in self._with_headings for side in self.report.sides(words)}

    @property
    def is_denied(self) -> bool:
        """Whether a negation stands in the passage."""
        return any(hit.value != "pseudo" for words in self._own for hit in words.negations)

    def lesion_word(self, span: Span) -> str:
        """The passage's word for a lesion, from the span if there is one: "mass"; "" if there is none."""
        heads = sorted((h for words in self._own for h in words.heads), key=lambda h: not _meet(span, (h.start, h.end)))
        return heads[0].text if heads else ""

    def sizes(self, span: Span) -> list[Measurement]:
        """The sizes at a span of the passage or the sentence after it, each whole, as its sentence reads."""
        sentences = [*self._own, *(self.report.words(sentence) for sentence in self.following)]
        return [size for words in sentences for size in words.sizes if _meet(span, (size.start, size.end))]

    def parts(self, span: Span, organ: str) -> list[str]:
        """Names of the organ's parts at a span of the passage or its headings."""
        places = [hit for words in self._with_headings for hit in words.places]
        hits = [hit for hit in places if _meet(span, (hit.start, hit.end)) and organ in hit.value.organs]
        return list(dict.fromkeys(name for hit in hits for name in part_names(hit, organ) if name))

    def first_inside(self, spans: Iterable[Span], *, also_after: bool = False) -> Span | None:
        """The first of the spans that lies in the passage or its headings (or in the sentence after it)."""
        homes = [(s.start, s.end) for s in [*self.sentences, *(self.following if also_after else [])]]
        homes += [sentence.heading for sentence in self.sentences if sentence.heading]
        return next((span for span in spans if any(_meet(span, home) for home in homes)), None)

    @cached_property
    def _own(self) -> list[Words]:
        return [self.report.words(sentence) for sentence in self.sentences]

    @cached_property
    def _with_headings(self) -> list[Words]:
        headings = dict.fromkeys(sentence.heading for sentence in self.sentences if sentence.heading)
        return [*self._own, *(self.report.words(Sentence(*span, "heading", None)) for span in headings)]


def _meet(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
