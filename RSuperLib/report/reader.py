"""From a report's text to its `Reading`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from RSuperLib.report.assemble import Draft, build_drafts, free_sizes, member_of_group
from RSuperLib.report.deadline import LONGEST_S, Deadline
from RSuperLib.report.finish import finding_of, organ_statuses
from RSuperLib.report.language import detect_language, foreign_language
from RSuperLib.report.layout import UNREAD_SECTIONS, Sentence
from RSuperLib.report.lexicon import Hit, supported_languages
from RSuperLib.report.mentions import Found, find_mentions
from RSuperLib.report.merge import Story
from RSuperLib.report.normalise import NormalText, normalise
from RSuperLib.report.place import Location, heading_place, organs_named
from RSuperLib.report.refusals import (
    not_supported,
    several_reports,
    too_many_lesions,
    too_slow,
    two_languages,
    why_unreadable,
)
from RSuperLib.report.schema import Reading
from RSuperLib.report.size_tables import Table, numbered_row, table_begun
from RSuperLib.report.statements import Statement, find_statements
from RSuperLib.report.vocabulary import Vocabulary, Words, find_words, vocabulary

#: A report has a few dozen lesions; what has more is something else, or many reports.
MOST_LESIONS = 500


def read_report(text: str, report_id: str = "", longest_s: float = LONGEST_S) -> Reading:
    """What a report says of lesions and organs; nothing is guessed, and silence stays silence.

    Args:
        text: the report as pasted. Every evidence span counts its characters (code points).
        report_id: your name for the report; it becomes the reading's id.
        longest_s: seconds of processor time after which the report is given up; checked before each sentence.

    Returns:
        The reading. `status` is "not_read", with the reason, without findings and without organ statements, where the
        text is empty, binary, longer than a report can be, in a language that is not supported, or takes too long.
    """
    deadline = Deadline(longest_s)
    reason = why_unreadable(text)
    if reason:
        return _unread(report_id, text, reason)
    report = normalise(text)
    code = detect_language(report)
    if code not in supported_languages():
        return _unread(report_id, text, not_supported(code), code)
    if other := foreign_language(report, code):
        return _unread(report_id, text, two_languages(code, other), code)
    words = vocabulary(code)
    report = words.compounds.separate(report)
    if words.layout.holds_several_reports(report):
        return _unread(report_id, text, several_reports(), code)
    run = _Run(words, report)
    if reason := run.read(words.layout.sentences(report), deadline):
        return _unread(report_id, text, reason, code)
    findings = [finding_of(report, draft, f"lesion {k}") for k, draft in enumerate(run.story.drafts, start=1)]
    return Reading(
        id=report_id, language=code, text_sha256=_checksum(text), findings=findings,
        organs=organ_statuses(report, run.statements, run.story.drafts, run.doubtful),
    )  # fmt: skip


def read_many(reports: Iterable[tuple[str, str]]) -> Iterator[Reading]:
    """Readings of (id, text) pairs, one after the other; nothing is kept between them."""
    for report_id, text in reports:
        yield read_report(text, report_id)


def _unread(report_id: str, text: str, reason: str, code: str = "") -> Reading:
    return Reading(id=report_id, status="not_read", reason=reason, language=code, text_sha256=_checksum(text))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Run:
    """One pass over a report."""

    def __init__(self, words: Vocabulary, report: NormalText) -> None:
        self._vocabulary, self._report = words, report
        self.story = Story()
        self.statements: list[Statement] = []
        #: Organs in which something was described that could not be read as a lesion.
        self.doubtful: set[str] = set()
        self._carried: Location | None = None
        self._section = ""
        self._table: Table | None = None

    def read(self, sentences: list[Sentence], deadline: Deadline) -> str:
        """Read the sentences, an addendum last, for it speaks of the rest; the reason if they are too much, else ""."""
        for sentence in sorted(sentences, key=lambda sentence: sentence.section == "addendum"):
            if deadline.has_passed():
                return too_slow(deadline.seconds)
            if sentence.section not in UNREAD_SECTIONS:
                self._read_sentence(sentence)
            if len(self.story.drafts) > MOST_LESIONS:
                return too_many_lesions(MOST_LESIONS)
        return ""

    def _read_sentence(self, sentence: Sentence) -> None:
        if sentence.section != self._section:
            self._section, self._carried = sentence.section, None
        words = find_words(self._vocabulary, self._report, sentence)
        if begun := table_begun(self._vocabulary, words):
            self._table = begun
            return
        row = self._table.row(self._vocabulary, words) if self._table else None
        words = row or self._with_titled_nodes(numbered_row(self._vocabulary, words))
        heading = self._heading(sentence)
        found = find_mentions(self._vocabulary, words)
        statements = find_statements(self._vocabulary, words, found, heading)
        self.statements += statements
        self.story.question(statements)
        mentions = [m for m in found.mentions if m.denied != "some" and not (m.denied == "all" and m.head.generic)]
        mentions = [m for m in mentions if not self._is_unreal(words, m.head_start)]
        drafts = build_drafts(self._vocabulary, words, mentions, heading, self._carried)
        self.story.add(drafts)
        whole = (sentence.start, sentence.end, sentence.section)
        self.story.refine(found.later_kinds, whole)
        if not drafts:
            self._late_size(words, whole)
        self._carry(words, drafts)
        self._doubt(found, words)

    def _with_titled_nodes(self, words: Words) -> Words:
        """Under `Lymph nodes:` a measured station, `station 4L, 9 mm`, names a node."""
        title = words.sentence.heading
        if title is None or words.heads or words.measured:
            return words
        nodes = [hit.value for hit in self._vocabulary.heads.find(words.text, *title) if hit.value]
        if not nodes or nodes[0].kind != "node":
            return words
        stations = [place for place in words.places if nodes[0].organ in place.value.organs]
        before = [[p for p in stations if p.end <= size.start][-1:] for size in words.sizes]
        head = replace(nodes[0], plural=False, uncounted=False)
        named = {p.start: Hit(p.start, p.end, p.text, head) for place in before for p in place}
        return replace(words, heads=list(named.values()))

    def _is_unreal(self, words: Words, head_start: int) -> bool:
        """`Consider CT for the nodules`, `if a mass is suspected`, `her mother had cancer` describe no lesion here."""
        unreal = (self._vocabulary.advice, self._vocabulary.hypothetical, self._vocabulary.relatives)
        start = max(words.sentence.start, words.text.rfind(";", 0, head_start) + 1)
        return any(marks.search(words.text, start, head_start) for marks in unreal)

    def _heading(self, sentence: Sentence) -> Location | None:
        if sentence.heading is None:
            return None
        title = Sentence(*sentence.heading, "heading", None)
        words = find_words(self._vocabulary, self._report, title)
        return heading_place(self._vocabulary, words)

    def _late_size(self, words: Words, whole: tuple[int, int, str]) -> None:
        """`The largest measures 6 mm.` is of the lesion before; `Segment 7: 3 cm.` is one of its group."""
        start = words.sentence.start
        anaphor = self._vocabulary.anaphor.match(words.text, start)
        organs = organs_named(self._vocabulary, words, start, words.sentence.end)
        sizes = [size for size in free_sizes(self._vocabulary, words) if size.axes_mm]
        if not sizes or not self.story.last:
            return
        group = self.story.last[-1]
        title = self._is_title(group)
        elsewhere = any(hit.value != group.place.organ for hit in organs)
        if elsewhere and not (title or group.of_title):
            return
        if anaphor:
            group.add_sizes(sizes, whole)
        elif member := member_of_group(words, group, whole):
            member.add_sizes(sizes, whole)
            member.of_title = title or group.of_title
            if title:
                self.story.drafts.remove(group)
            self.story.add([member])

    def _is_title(self, group: Draft) -> bool:
        """Whether its line only announces others: `Nodules:`."""
        start, end, _ = group.evidence[0]
        alone = len(group.evidence) == 1 and group.size is None and start == group.mention.start
        return alone and self._report.text[group.mention.end : end].strip() == ":"

    def _carry(self, words: Words, drafts: list[Draft]) -> None:
        """The organ that a following sentence without one speaks of."""
        if drafts and drafts[-1].place.organ not in ("other", "lymph_node"):
            place = drafts[-1].place
            self._carried = Location(place.organ, place.side, span=place.span)
            return
        if self._carried and any(n.start == words.sentence.start and n.value == "before" for n in words.negations):
            return  # "No rib destruction." leaves the lesion before it in mind
        organs: list[Hit[str]] = organs_named(self._vocabulary, words, words.sentence.start, words.sentence.end)
        names = {hit.value for hit in organs} - {"upper_abdomen"}
        if len(names) == 1:
            sides = {side.value for side in words.sides}
            self._carried = Location(next(iter(names)), next(iter(sides)) if len(sides) == 1 else None)
        elif names:
            self._carried = None

    def _doubt(self, found: Found, words: Words) -> None:
        if found.doubt:
            hits = organs_named(self._vocabulary, words, words.sentence.start, words.sentence.end)
            self.doubtful.update(hit.value for hit in hits)
