"""Lesions with everything that their sentences say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.measurements import Measurement
from RSuperLib.report.mentions import Mention
from RSuperLib.report.place import UNSIDED, Location, locate, organs_joined, part_names
from RSuperLib.report.reasons import Reason
from RSuperLib.report.schema import Attenuation, Change, CountKind, Multiplicity, Presence, Temporality
from RSuperLib.report.vocabulary import Place, Vocabulary, Words

#: Start and end in the normal text, and the section.
Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Count:
    """How many lesions a mention speaks of."""

    multiplicity: Multiplicity
    number: int | None
    kind: CountKind


@dataclass(slots=True)
class Draft:
    """A finding in the making; spans are those of the report's normal text."""

    mention: Mention
    place: Location
    count: Count
    section: str
    evidence: list[Span]
    size: Measurement | None = None
    qualitative_max_mm: float | None = None
    qualitative: bool = False
    prior: list[Measurement] = field(default_factory=list)
    attenuation: Attenuation | None = None
    presence: Presence = "present"
    temporality: Temporality = "current"
    change: Change = "not_stated"
    #: Named as the largest of the group before it: "The largest, in segment 7, measures 3 cm."
    of_group: bool = False
    #: A line of a list under a title: "Nodules:".
    of_title: bool = False
    series: int | None = None
    image: int | None = None
    reasons: list[Reason] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)

    def fired(self, rule: str) -> bool:
        """Whether a rule had a part in this finding."""
        return any(reason.rule == rule for reason in self.reasons)

    @property
    def is_lesion(self) -> bool:
        """Whether it is, or may be, there now."""
        return self.presence in ("present", "probable", "possible") and self.temporality == "current"

    def add_sizes(self, sizes: list[Measurement], whole: Span) -> None:
        """Take sizes that the following sentence gives."""
        self.prior += [size for size in sizes if size.prior]
        now = [size for size in sizes if not size.prior]
        if self.size is None and now:
            self.size = now[0]
            self.reasons.append(Reason("size_in_next_sentence", now[0].start, now[0].end))
        if whole not in self.evidence:
            self.evidence.append(whole)


def build_drafts(vocabulary: Vocabulary, words: Words, mentions: list[Mention], heading: Location | None,
                 carried: Location | None) -> list[Draft]:  # fmt: skip
    """The findings of one sentence: each mention with its sizes; several sizes of a group become several findings."""
    owners = _owners(vocabulary, words, mentions)
    drafts: list[Draft] = []
    for index, mention in enumerate(mentions):
        own = [size for size, owner in zip(words.sizes, owners, strict=True) if owner == index]
        built = _Builder(vocabulary, words, mention).build(own, heading, carried)
        drafts += built + _in_joined_organs(vocabulary, words, built)
    return drafts


def member_of_group(words: Words, group: Draft, whole: Span) -> Draft | None:
    """A measured place of a group: `Index lesions: segment 2: 2.1 cm. Segment 7: 3.4 cm.`, `Nodules: RUL 7 mm`."""
    named = next((place.value.organs[0] for place in words.places if place.value.implies), "other")
    organ = named if group.place.organ == "other" else group.place.organ
    places = [place for place in words.places if organ in place.value.organs]
    parts = tuple(name for place in places for name in part_names(place, organ) if name)
    sides = {side.value for side in words.sides} | {place.value.side for place in places if place.value.side}
    side = next(iter(sides)) if len(sides) == 1 else group.place.side
    listed = group.count.multiplicity == "multiple" or group.fired("size_listed")
    if not parts or not (listed or _is_next_place(words, group, places, parts)):
        return None
    return replace(
        group,
        place=replace(group.place, organ=organ, parts=parts, side=None if organ in UNSIDED else side),
        count=Count("single", 1, "exact"),
        section=whole[2],
        evidence=[whole],
        size=None,
        prior=[],
        reasons=[*group.mention.reasons, *group.place.reasons, Reason("size_listed")],
        flags=[],
        of_group=False,
    )


def _is_next_place(words: Words, group: Draft, places: list[Hit[Place]], parts: tuple[str, ...]) -> bool:
    """`Node at station 4R 9 mm. Station 7: 7 mm.`: a sentence that begins with another place in the same organ."""
    begins = places[0].start == words.sentence.start and not words.heads and not words.measured
    return begins and group.size is not None and set(parts).isdisjoint(group.place.parts)


def _in_joined_organs(vocabulary: Vocabulary, words: Words, built: list[Draft]) -> list[Draft]:
    """The same unmeasured group in the other organs that the words join: "metastases in the liver and the lungs"."""
    (draft, *rest) = built
    head = draft.mention.head
    if rest or draft.size or not (head.plural or head.uncounted or head.kind == "metastasis") or head.kind == "node":
        return []
    places = organs_joined(vocabulary, words, draft.place, draft.mention.window)
    return [
        replace(
            draft, place=place, reasons=[*draft.mention.reasons, *place.reasons], flags=[], evidence=[*draft.evidence]
        )
        for place in places
    ]


def free_sizes(vocabulary: Vocabulary, words: Words) -> list[Measurement]:
    """Sizes of a sentence without a lesion that nothing else in it owns."""
    return [s for s, owner in zip(words.sizes, _owners(vocabulary, words, []), strict=True) if owner == -1]


def _owners(vocabulary: Vocabulary, words: Words, mentions: list[Mention]) -> list[int | None]:
    """For each size its mention; None where it measures something else, -1 where nothing before it can own it."""
    return [_owner(vocabulary, words, mentions, size) for size in words.sizes]


def _owner(vocabulary: Vocabulary, words: Words, mentions: list[Mention], size: Measurement) -> int | None:
    for index, mention in enumerate(mentions):
        if mention.start <= size.start < mention.head_start and not _is_of_noun(vocabulary, words, mention, size):
            return index
    nouns: list[tuple[int, int, int | None]] = [(m.end, m.start, i) for i, m in enumerate(mentions)]
    nouns += [(hit.end, hit.start, None) for hit in words.measured]
    nouns = sorted((noun for noun in nouns if noun[0] <= size.start), key=lambda noun: noun[0])
    if tumour := _tumour_of_the_wall(vocabulary, words, mentions, size):
        return mentions.index(tumour)
    while len(nouns) > 1 and _only_tells_where(vocabulary, words, nouns[-2][0], nouns[-1][1]):
        nouns.pop()
    if nouns:
        return nouns[-1][2]
    after = [i for i, m in enumerate(mentions) if m.head_start >= size.end]
    if _measures_the_organ(vocabulary, words, size):
        return None
    blocked = any(hit.start >= size.end and after and hit.start < mentions[after[0]].start for hit in words.measured)
    if after and not blocked:
        return after[0]
    return None if blocked or words.measured else -1


def _is_of_noun(vocabulary: Vocabulary, words: Words, mention: Mention, size: Measurement) -> bool:
    """`A stone of 5 mm and a 31 mm cyst`: the first size is that of the noun right before it."""
    if not any(size.end <= other.start < mention.head_start for other in words.sizes):
        return False
    gaps = (words.text[hit.end : size.start] for hit in words.measured if hit.end <= size.start)
    return any(gap == " " or vocabulary.grammar.belonging.fullmatch(gap) for gap in gaps)


def _tumour_of_the_wall(vocabulary: Vocabulary, words: Words, mentions: list[Mention],
                        size: Measurement) -> Mention | None:  # fmt: skip
    """`Wall thickening of 16 mm over 5 cm, fitting carcinoma`: the thickening is the tumour."""
    (first,) = mentions[:1] or (None,)
    if first is None or first.head.kind not in ("tumour", "metastasis") or first.head.rank < 3:
        return None
    if first.head_start < size.end:
        return None
    thickened = vocabulary.thickened.search(words.text, words.sentence.start, size.start)
    hedged = any(size.end <= hedge.start and hedge.end <= first.end for hedge in words.hedges)
    bracketed = words.text[max(0, first.start - 1) : first.start] == "("
    return first if thickened and (hedged or bracketed) else None


def _only_tells_where(vocabulary: Vocabulary, words: Words, end: int, start: int) -> bool:
    """Whether a noun hangs on the one before it: "the duct upstream of the mass", "a carcinoma of the bladder wall"."""
    if end > start or vocabulary.grammar.attached.fullmatch(words.text, end, start) is None:
        return False
    stops = (vocabulary.verbs, vocabulary.grammar.phrase_cut)
    return not any(stop.search(words.text, end, start) for stop in stops)


def _measures_the_organ(vocabulary: Vocabulary, words: Words, size: Measurement) -> bool:
    """`The spleen is enlarged at 17 cm and contains …`: before any lesion, an organ is the subject of the size."""
    organs = [hit.end for hit in words.organs if hit.end <= size.start]
    return bool(organs) and vocabulary.measuring.search(words.text, organs[-1], size.start) is not None


class _Builder:
    """Reads the attributes of one mention."""

    def __init__(self, vocabulary: Vocabulary, words: Words, mention: Mention) -> None:
        self._v, self._words, self._mention, self._text = vocabulary, words, mention, words.text
        self._why: list[Reason] = []

    def build(self, sizes: list[Measurement], heading: Location | None, carried: Location | None) -> list[Draft]:
        mention, section = self._mention, self._words.sentence.section
        now, prior = self._by_time(sizes)
        place = locate(self._v, self._words, mention, heading, carried)
        draft = Draft(
            mention, place, self._count(place, now), section, [(*self._evidence(), section)], prior=prior,
            attenuation=self._attenuation(), presence=self._presence(), temporality=self._temporality(),
            change=self._change(), flags=list(place.flags), of_group=self._is_of_group(),
        )  # fmt: skip
        draft.reasons = [*mention.reasons, *place.reasons, *self._why]
        draft.reasons += [Reason("prior_words", size.start, size.end) for size in prior]
        self._limit_place(draft)
        self._add_series(draft)
        self._add_words_for_size(draft)
        for flag, odd in (
            ("unit_missing", [s for s in now if s.unit_missing]), ("size_unreadable", [s for s in now if s.damaged]),
        ):  # fmt: skip
            draft.flags += [flag] if odd else []
            draft.reasons += [Reason("size_not_stated", size.start, size.end) for size in odd[:1]]
        return self._sized(draft, _distinct([size for size in now if size.axes_mm]), heading, carried)

    def _by_time(self, sizes: list[Measurement]) -> tuple[list[Measurement], list[Measurement]]:
        """Sizes now and before: `the 18 mm lesion now measures 10 mm` was 18 mm, though only "now" says so."""
        last_now = max((size.start for size in sizes if size.now), default=-1)
        single = not self._mention.head.plural
        prior = [s for s in sizes if s.prior or (single and not s.now and s.start < last_now)]
        return [size for size in sizes if size not in prior], prior

    def _sized(self, draft: Draft, sizes: list[Measurement], heading: Location | None,
               carried: Location | None) -> list[Draft]:  # fmt: skip
        if len(sizes) <= 1 or self._is_largest_of_group(draft):
            more = [i for i in range(1, len(sizes)) if self._is_placed_anew(sizes[i - 1], sizes[i])]
            members = [self._member(draft, sizes, index, heading, carried) for index in more]
            draft.flags += ["largest_of_group"] if sizes and self._is_largest_of_group(draft) else []
            return [_with_size(draft, max(sizes, key=lambda s: s.largest_mm)), *members] if sizes else [draft]
        listed = all(s.end <= self._mention.head_start for s in sizes)
        if listed and self._v.thickened.search(self._text, self._words.sentence.start, sizes[-1].start):
            return [_with_size(draft, _as_axes(sizes))]  # how long and how thick the wall is
        if draft.count.multiplicity == "multiple" or listed:
            members = [self._member(draft, sizes, index, heading, carried) for index in range(len(sizes))]
            return _respectively(members)
        if all(self._is_placed_anew(one, other) for one, other in pairwise(sizes)):
            return [self._member(draft, sizes, index, heading, carried) for index in range(len(sizes))]
        draft.flags.append("several_sizes")
        return [_with_size(draft, sizes[0])]

    def _is_largest_of_group(self, draft: Draft) -> bool:
        start, end = self._mention.window
        return draft.count.multiplicity == "multiple" and self._v.largest.search(self._text, start, end) is not None

    def _is_of_group(self) -> bool:
        opening = self._text[self._words.sentence.start : self._mention.end]
        determiner = self._v.definite.match(opening)
        first = self._v.largest.match(opening[determiner.end() :].lstrip() if determiner else opening)
        return first is not None

    def _limit_place(self, draft: Draft) -> None:
        """Flag a part that is that of some of a group; a side that is that of most of it is not the group's."""
        if draft.count.multiplicity != "multiple":
            return
        start, end = self._mention.window
        largest, mostly = self._v.largest.search(self._text, start, end), self._v.mostly.search(self._text, start, end)
        if largest and self._places_only(draft.place, largest.start()):
            draft.flags.append("part_of_largest")
        elif mostly and self._places_only(draft.place, mostly.start()):
            draft.flags.append("part_of_most")
        if mostly and draft.place.side in ("left", "right") and not self._side_before(mostly.start()):
            draft.place = replace(draft.place, side=None)

    def _places_only(self, place: Location, mark: int) -> bool:
        """`Multiple lesions, the largest in segment 4`: all parts stand after the word, so not of all."""
        start, end = self._mention.window
        named = (p.start for p in self._words.places if place.organ in p.value.organs and start <= p.start < end)
        return bool(place.parts) and all(place_start > mark for place_start in named)

    def _side_before(self, mark: int) -> bool:
        return any(self._mention.window[0] <= side.start < mark for side in self._words.sides)

    def _member(self, draft: Draft, sizes: list[Measurement], index: int, heading: Location | None,
                carried: Location | None) -> Draft:  # fmt: skip
        """One lesion of a group whose members are measured one by one; its place stands beside its size."""
        begin, end = self._stretch(sizes, index)
        near = replace(self._mention, start=begin, head_start=begin, end=sizes[index].end, window=(begin, end))
        own = locate(self._v, self._words, near, heading, carried)
        shared = replace(self._mention, window=(self._mention.window[0], sizes[0].start))
        place = replace(draft.place, parts=locate(self._v, self._words, shared, heading, carried).parts)
        if own.rule.startswith("organ_in_words") or own.parts or self._names_a_side(begin, end):
            side = own.side if self._names_a_side(begin, end) else place.side
            place = replace(place, side=side, parts=own.parts or place.parts)
        member = replace(
            draft, place=place, count=Count("single", 1, "exact"), prior=[],
            reasons=[*draft.reasons, Reason("size_listed")],
            flags=list(draft.flags),
        )  # fmt: skip
        return _with_size(member, sizes[index])

    def _is_placed_anew(self, one: Measurement, other: Measurement) -> bool:
        """`A deposit at the liver, 17 mm, and in Douglas 14 mm`: another of the same, with a place of its own."""
        joint = self._v.grammar.phrase_cut.search(self._text, one.end, other.start)
        if joint is None or self._v.verbs.search(self._text, joint.end(), other.start):
            return False
        opens = self._v.grammar.attaches.match(self._text, joint.end())
        return opens is not None and any(joint.end() <= place < other.start for place in self._words.located)

    def _names_a_side(self, begin: int, end: int) -> bool:
        named = [side.start for side in self._words.sides]
        named += [place.start for place in self._words.places if place.value.side]
        return any(begin <= place < end for place in named)

    def _stretch(self, sizes: list[Measurement], index: int) -> tuple[int, int]:
        """The words around one size of a list: between "and" and "and" or semicolons, else from size to size."""
        start, end = max(self._mention.end, self._mention.window[0]), self._mention.window[1]
        if sizes[-1].end <= self._mention.head_start:  # "a 3 cm right and a 2 cm left cyst"
            start, end = self._mention.start, self._mention.head_start
        for cut in (self._v.grammar.list_cut, self._v.grammar.lesion_cut):
            edges = [start, *(m.start() for m in cut.finditer(self._text, start, end)), end]
            pieces = [(a, b) for a, b in pairwise(edges) if any(a <= size.start < b for size in sizes)]
            if len(pieces) == len(sizes):
                return pieces[index]
        before = list(pairwise([start, *(size.end for size in sizes)]))
        if all(self._names_a_place(a, b) for a, b in before):  # "segment 2 (14 mm), segment 5 (9 mm), segment 8 (7 mm)"
            return before[index]
        return sizes[index].start, sizes[index + 1].start if index + 1 < len(sizes) else end

    def _names_a_place(self, start: int, end: int) -> bool:
        starts = [hit.start for hit in self._words.places] + [hit.start for hit in self._words.sides]
        return any(start <= place < end for place in starts)

    def _evidence(self) -> tuple[int, int]:
        start, end = self._mention.window
        text = self._text[start:end]
        return start + len(text) - len(text.lstrip(" ,;")), end - (len(text) - len(text.rstrip(" ,;")))

    def _count(self, place: Location, sizes: list[Measurement]) -> Count:
        head, start, end = self._mention.head, self._mention.start, self._mention.head_start
        many = self._v.many.search(self._text, start, end)
        numbers = [(hit.value, hit.start, hit.end) for hit in self._v.counts.find(self._text, start, end)]
        numbers = [number for number in numbers if number[0] > 1]
        digits = re.search(r"(?<![\d.,/-])([2-9]|1\d)(?= (?:[a-z-]+ ){0,3}$)", self._text[start:end])
        if digits and head.plural:
            numbers.append((int(digits[1]), start + digits.start(), start + digits.end()))
        if numbers and not many:
            number, *words = numbers[0]
            about = self._text[max(0, start - 16) : end]
            self._why.append(Reason("count_number", *words))
            return Count("multiple", number, "at_least" if self._v.at_least.search(about) else "exact")
        if one := self._v.one_of.search(self._text, max(self._words.sentence.start, start - 20), end):
            self._why.append(Reason("count_one", one.start(), one.end()))
            return Count("single", 1, "exact")
        if head.plural or many or (place.side == "bilateral" and not sizes):
            words = [many.start(), many.end()] if many else [end, self._mention.end]
            self._why.append(Reason("count_words" if many else "count_plural", *words))
            return Count("multiple", None, "multiple")
        if head.uncounted and (largest := self._v.largest.search(self._text, end, self._mention.window[1])):
            self._why.append(Reason("count_words", largest.start(), largest.end()))
            return Count("multiple", None, "multiple")
        self._why.append(Reason("count_open" if head.uncounted else "count_one", end, self._mention.end))
        return Count("unspecified", None, "not_stated") if head.uncounted else Count("single", 1, "exact")

    def _attenuation(self) -> Attenuation | None:
        start, end = self._mention.window
        near = [h for h in self._v.attenuation.find(self._text, start, end) if self._is_of_lesion(h)]
        own = self._mention.head.attenuation
        if not near:
            self._why += [Reason("attenuation_of_kind", self._mention.head_start, self._mention.end)] if own else []
            return own
        telling = next((hit for hit in near if hit.value == "mixed"), near[0])
        self._why.append(Reason("attenuation_words", telling.start, telling.end))
        return telling.value

    def _is_of_lesion(self, hit: Hit[Attenuation]) -> bool:
        """Not denied ("no hypodense area"); a denial of something else reaches no further than its own words."""
        before = [n for n in self._words.negations if n.value != "after" and n.end <= hit.start + 1]
        others = [n for n in before if n.value == "pseudo"]
        for negation in before:
            of_other = any(o.start <= negation.start and negation.end <= o.end for o in others)
            if hit.start - negation.end < (2 if of_other else 25):
                return False
        return True

    def _presence(self) -> Presence:
        if self._mention.denied in ("all", "gone"):
            return "absent"
        return self._mention.presence

    def _temporality(self) -> Temporality:
        start, head = self._words.sentence.start, self._mention.head_start
        removed = self._v.resected.search(self._text, start, head)
        removed = removed or self._v.resected.search(self._text, self._mention.end, self._mention.window[1])
        operated = self._v.operated_for.search(self._text, start, head)
        if match := removed or operated:
            self._why.append(Reason("time_resected" if removed else "time_operated", match.start(), match.end()))
            return "resected"
        if elsewhere := self._seen_elsewhere():
            self._why.append(Reason("time_elsewhere", elsewhere.start(), elsewhere.end()))
            return "prior"
        marks = list(self._v.history.finditer(self._text, start, head))
        if not marks or head - marks[-1].end() >= 40:
            return "current"
        self._why.append(Reason("time_history", marks[-1].start(), marks[-1].end()))
        return "prior"

    def _seen_elsewhere(self) -> re.Match[str] | None:
        """`Carcinoma on endoscopy.` tells what another examination found, if this one adds nothing."""
        start, end = self._mention.window
        found = self._v.seen_elsewhere.search(self._text, self._mention.end, end)
        if found is None or self._words.sizes or self._v.verbs.search(self._text, start, end):
            return None
        return found

    def _change(self) -> Change:
        hits = self._v.changes.find(self._text, *self._mention.window)
        self._why += [Reason("change_words", hit.start, hit.end) for hit in hits[:1]]
        return hits[0].value if hits else "not_stated"

    def _add_series(self, draft: Draft) -> None:
        words = self._v.language.attributes
        for name in ("series", "image"):
            match = re.search(
                rf"\b(?:{words[name]})\b[ #:.]{{0,3}}(\d{{1,4}})\b", self._text[slice(*self._mention.window)]
            )
            if match:
                setattr(draft, name, int(match[1]))
                start = self._mention.window[0]
                draft.reasons.append(Reason("slice_named", start + match.start(), start + match.end()))

    def _add_words_for_size(self, draft: Draft) -> None:
        phrase = self._text[self._mention.start : self._mention.head_start]
        for pattern, largest in self._v.small_sizes:
            if match := pattern.search(phrase):
                draft.qualitative, draft.qualitative_max_mm = True, largest
                start = self._mention.start
                draft.reasons.append(Reason("size_in_words", start + match.start(), start + match.end()))
                return


def _respectively(members: list[Draft]) -> list[Draft]:
    """`In segments 6 and 7, measuring 12 and 18 mm`: as many parts as sizes, one each."""
    parts = members[0].place.parts
    said = not any(member.fired("part_heading") for member in members)
    if said and len(parts) == len(members) and all(member.place.parts == parts for member in members):
        for member, part in zip(members, parts, strict=True):
            member.place = replace(member.place, parts=(part,))
    return members


def _with_size(draft: Draft, size: Measurement) -> Draft:
    draft.size = size
    draft.reasons.append(Reason(f"size_{size.kind}", size.start, size.end))
    return draft


def _as_axes(sizes: list[Measurement]) -> Measurement:
    axes = tuple(axis for size in sizes for axis in size.axes_mm)[:3]
    return replace(sizes[0], end=sizes[-1].end, axes_mm=axes, low_mm=max(axes), high_mm=max(axes))


def _distinct(sizes: list[Measurement]) -> list[Measurement]:
    """The sizes without those that only repeat an axis of another."""
    kept: list[Measurement] = []
    for size in sizes:
        if not any(size.largest_mm in other.axes_mm or other.axes_mm == size.axes_mm for other in kept):
            kept.append(size)
    return kept
