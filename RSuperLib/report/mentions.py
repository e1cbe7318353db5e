"""Lesions named in one sentence: which words name them, what kind they are, whether they are denied."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.reasons import Reason
from RSuperLib.report.schema import Certainty, Kind, Malignancy, Presence
from RSuperLib.report.vocabulary import Head, Hedge, Vocabulary, Words

_SHORT = 120  # characters up to the end of a kind that a sentence of its own gives
_HEDGE_REACH = 70  # characters between "considered as" and the kind it introduces


@dataclass(frozen=True, slots=True)
class Mention:
    """One lesion, or group of lesions, named in a sentence.

    `start` to `end` is its noun phrase up to the head; `window` the stretch of the sentence that speaks of it.
    """

    start: int
    head_start: int
    end: int
    head: Head
    kind_text: str
    window: tuple[int, int]
    presence: Presence = "present"
    type_certainty: Certainty = "not_stated"
    definite: bool = False
    #: Brought in as one of several or as another one: "several", "a second", "two".
    introduced: bool = False
    #: One of a group told before: "a reference lesion".
    member: bool = False
    #: How the sentence denies it: "" not, "all" wholly, "some" only in a limited way ("no new lesion"), "gone" = it
    #: was there before.
    denied: str = ""
    #: Named only to tell where another thing is: "tethered to the mass".
    attached: bool = False
    reasons: tuple[Reason, ...] = ()


@dataclass(slots=True)
class Found:
    """What a sentence says of lesions: those it names, and kinds that it gives to one named before."""

    mentions: list[Mention] = field(default_factory=list)
    #: Kinds for a lesion of an earlier sentence: "Metastasis?", "This may represent a cyst."
    later_kinds: list[Mention] = field(default_factory=list)
    #: Something like a lesion was described that could not be read as one.
    doubt: bool = False


def find_mentions(vocabulary: Vocabulary, words: Words) -> Found:
    """The lesions of a sentence, in order."""
    finder = _Finder(vocabulary, words)
    return finder.find()


class _Finder:
    def __init__(self, vocabulary: Vocabulary, words: Words) -> None:
        self._v, self._words, self._text = vocabulary, words, words.text

    def find(self) -> Found:
        found = Found()
        named = self._with_proforms([self._mention(hit) for hit in self._joined_heads()])
        kept = [m for m in named if self._is_lesion(m)]
        found.doubt = any(_is_dense(m) for m in named if m not in kept)
        bases: list[Mention] = []
        for mention in kept:
            self._sort(mention, bases, found)
        lesions = [m for m in self._without_titles(bases) if not self._explained_away(m)]
        windowed = self._with_windows(lesions)
        found.mentions = [self._with_adjective(self._left_open(self._with_denial(m))) for m in windowed]
        for place in reversed(range(len(found.mentions) - 1)):
            found.mentions[place] = self._with_shared(*found.mentions[place : place + 2])
        return found

    def _with_proforms(self, named: list[Mention]) -> list[Mention]:
        """`A metastasis in segment 5 and a second one in segment 8`: "one" is what the word before it is."""
        for index, mention in enumerate(named):
            if mention.head.again and index:
                head = replace(named[index - 1].head, plural=False, uncounted=False)
                named[index] = replace(mention, head=head, introduced=True)
        return named

    def _without_titles(self, bases: list[Mention]) -> list[Mention]:
        """`Liver metastases: lesion in segment 2 of 34 mm, …`: the members stand for the group, and are of its kind."""
        several = bases and (bases[0].head.plural or bases[0].head.uncounted)
        if len(bases) < 2 or not several or self._sized_before(bases[1].start):
            return bases
        group, *members = bases
        announced = ":" in self._text[group.end : members[0].head_start] or self._counts(group, members)
        if not announced or any(m.head.plural for m in members):
            return bases
        vague = [m.head.generic and m.head.rank < group.head.rank for m in members]
        return [
            replace(m, head=replace(group.head, plural=False)) if v else m for m, v in zip(members, vague, strict=True)
        ]

    def _counts(self, group: Mention, members: list[Mention]) -> bool:
        """`Two nodules are noted, a 5 mm nodule in … and an 8 mm nodule in …`: as many as the group counts."""
        numbers = [hit.value for hit in self._v.counts.find(self._text, group.start, group.head_start)]
        told = all(m.introduced and m.head.kind == group.head.kind for m in members)
        return len(members) in numbers[-1:] and told

    def _sized_before(self, place: int) -> bool:
        return any(size.end <= place for size in self._words.sizes)

    def _sort(self, mention: Mention, bases: list[Mention], found: Found) -> None:
        """A lesion of its own, the kind of one before, or part of one before."""
        hedge = self._refines(bases[-1] if bases else None, mention)
        if hedge and bases:
            for index in self._refined_bases(bases, mention):
                bases[index] = _refined(bases[index], mention, hedge)
        elif hedge:
            found.later_kinds.append(replace(mention, type_certainty=hedge.level, presence=hedge.presence))
        elif not bases or not self._is_part_of(bases[-1], mention):
            bases.append(mention)
        elif bases[-1].head.generic and mention.head.rank > max(bases[-1].head.rank, 3):
            bases[-1] = _refined(bases[-1], mention, Hedge("certain", "present"))

    def _refined_bases(self, bases: list[Mention], mention: Mention) -> list[int]:
        """`A 10 mm lesion in segment 5 and a 7 mm lesion in segment 8, likely metastases` speaks of both."""
        last = bases[-1].head
        several = mention.head.plural and not last.plural
        vague = ("indeterminate", "tumour") if last.generic else (last.kind,)
        alike = [i for i, base in enumerate(bases) if base.head.kind in (last.kind, *vague) and not base.head.plural]
        if several:
            return alike
        first = len(bases) - 1
        while first and self._share_predicate(bases[first - 1], bases[first], mention.start):
            first -= 1
        return list(range(first, len(bases)))

    def _share_predicate(self, one: Mention, other: Mention, told: int) -> bool:
        """`A nodule … and a nodule … are both benign`: what is told at `told` holds for both."""
        between = self._text[one.end : other.start]
        joined = self._v.grammar.phrase_cut.search(between) and not self._v.verbs.search(between)
        both = self._v.plural_predicate.search(self._text, other.end, max(told, other.end))
        return bool(joined and both) and one.head.kind == other.head.kind

    def _with_shared(self, mention: Mention, following: Mention) -> Mention:
        """The mention with the kind that an adjective gives to it and to the one after it."""
        reason = next((reason for reason in following.reasons if reason.rule == "kind_adjective"), None)
        before = replace(following, head=replace(following.head, kind=mention.head.kind))
        if reason is None or not self._share_predicate(mention, before, reason.start):
            return mention
        kind, rank = following.head.kind, following.head.rank
        head = replace(mention.head, kind=kind, rank=rank, malignancy=following.head.malignancy)
        reasons = (*mention.reasons, reason)
        return replace(mention, head=head, type_certainty=following.type_certainty, reasons=reasons)

    def _left_open(self, mention: Mention) -> Mention:
        """`Indeterminate`, `too small to characterise`: a summary of other lesions tells nothing of this one."""
        match = self._v.left_open.search(self._text, *mention.window)
        if match is None or mention.head.kind != "indeterminate":
            return mention
        return replace(mention, reasons=(*mention.reasons, Reason("kind_left_open", match.start(), match.end())))

    def _is_part_of(self, base: Mention, mention: Mention) -> bool:
        """`A mass containing cystic areas`, and one lesion named twice in a breath."""
        between = self._text[base.end : mention.head_start]
        if not mention.introduced and self._v.density_noun.fullmatch(mention.kind_text):
            return True
        if mention.head.rank == 0 or mention.head.attenuation:
            return self._v.component_of.search(between) is not None or self._is_predicate_density(mention)
        group = base.head.plural or base.head.uncounted
        largest = self._v.largest.search(self._text, base.end, mention.end)
        largest = largest or (
            self._v.member.search(self._text, mention.start, mention.end) if self._is_bare_member(mention) else None
        )
        if largest and any(largest.end() <= size.start and size.end <= mention.start for size in self._words.sizes):
            largest = None
        if group and largest and _one_class(mention.head, base.head):
            return True
        twice = base.head.plural and mention.kind_text == base.kind_text
        return twice and not self._v.verbs.search(between) and not self._brings_in(between)

    @staticmethod
    def _is_bare_member(mention: Mention) -> bool:
        """`Enlarged nodes, index node 22 mm` measures the group; `a reference lesion` is one of it."""
        return mention.member and not mention.introduced

    def _is_predicate_density(self, mention: Mention) -> bool:
        """`…, now low density`: no article, no number, no place of its own."""
        bare = not mention.introduced and not mention.definite and not mention.head.plural
        placed = any(mention.start <= place for place in self._words.located)
        return bare and not placed and self._is_predicate(mention.end)

    def _with_adjective(self, mention: Mention) -> Mention:
        """`A lesion, likely metastatic`, `… and it is metastatic`: the kind stands after the hedge as an adjective."""
        for hedge in [*self._words.hedges, *self._plainly(mention)]:
            if not mention.end <= hedge.start < mention.window[1]:
                continue
            word = next(
                iter(self._v.kind_words.find(self._text, hedge.end, min(hedge.end + 24, mention.window[1]))), None
            )
            if word and word.value[0] and word.start - hedge.end <= 2 and self._is_predicate(word.end):
                kind, rank = word.value
                head = with_kind(mention.head, kind, rank, _MALIGNANCY.get(kind, "not_stated"))
                reasons = (*mention.reasons, Reason("kind_adjective", hedge.start, word.end))
                return replace(mention, head=head, type_certainty=hedge.value.level, reasons=reasons)
        return mention

    def _plainly(self, mention: Mention) -> Iterator[Hit[Hedge]]:
        """`… is metastatic`: where a kind is told of the lesion without a hedge."""
        start, end = mention.end, mention.window[1]
        for word in self._v.kind_words.find(self._text, start, end):
            if self._v.grammar.copula.search(self._text[start : word.start]):
                yield Hit(word.start, word.start, "", Hedge("high", "present"))

    def _is_predicate(self, end: int) -> bool:
        return self._v.grammar.predicate_end.match(self._text[end : end + 12]) is not None

    def _joined_heads(self) -> list[Hit[Head]]:
        """Neighbouring heads are one name; the most telling gives the kind, the last the number."""
        joined: list[Hit[Head]] = []
        for hit in self._words.heads:
            last = joined[-1] if joined else None
            if last and self._is_one_name(last, hit.start):
                either = self._v.grammar.either.search(self._text, last.end, hit.start)
                value = max(last.value, hit.value, key=lambda head: _BADNESS[head.kind] if either else _telling(head))
                if not either and value.kind == "node":  # "lymph node metastasis"
                    other = hit.value if value is last.value else last.value
                    value = with_kind(value, other.kind, other.rank, other.malignancy)
                value = replace(value, plural=hit.value.plural, uncounted=value.uncounted and hit.value.uncounted)
                joined[-1] = Hit(last.start, hit.end, self._text[last.start : hit.end], value)
            else:
                joined.append(hit)
        return joined

    def _is_one_name(self, hit: Hit[Head], next_start: int) -> bool:
        joined = self._v.grammar.within_a_name.fullmatch(self._text, hit.end, next_start) is not None
        return joined or self._is_adjective(hit, next_start)

    def _is_adjective(self, hit: Hit[Head], next_start: int) -> bool:
        """`low-density, round lesion`: a vague head before another one, with nothing but adjectives between."""
        between = self._text[hit.end : next_start]
        ends = (self._v.noun_phrase_starts, self._v.verbs, self._v.another, self._v.grammar.phrase_cut)
        plain = not any(words.search(between) for words in ends) and not self._v.negations.find(between)
        words = r"(?: ?\([^()]*\))?,?(?: ?[a-z-]+,?){1,4} "
        return hit.value.rank == 0 and plain and re.fullmatch(words, between) is not None

    def _mention(self, hit: Hit[Head]) -> Mention:
        start = self._phrase_start(hit)
        phrase = self._text[start : hit.start]
        head, reasons = hit.value, [Reason("kind_head", hit.start, hit.end)]
        for word in self._v.kind_words.find(self._text, start, hit.end):
            kind, rank = word.value
            if kind and rank > head.rank > 0 and head.generic:
                head = with_kind(head, kind, rank, _MALIGNANCY.get(kind, head.malignancy))
                reasons.append(Reason("kind_word", word.start, word.end))
        before, after = self._hedge_before(start, hit.start), self._doubt_after(hit)
        hedged = before or after
        hedge = hedged.value if hedged else None
        if hedged:
            reasons.append(Reason("presence_hedge" if before else "presence_doubt", hedged.start, hedged.end))
        if head.rank == 0 and any(h.value == "hypo" for h in self._v.attenuation.find(phrase)):
            reasons.append(Reason("kind_dense", start, hit.start))
        return Mention(
            start=start, head_start=hit.start, end=hit.end, head=head, kind_text=hit.text,
            window=(self._words.sentence.start, self._words.sentence.end),
            presence=hedge.presence if hedge else "present",
            type_certainty=hedge.level if hedge and head.rank >= 3 else "not_stated",
            definite=self._is_definite(start, hit.start),
            member=self._v.member.search(phrase) is not None,
            attached=self._is_attached(start, hit.start),
            introduced=self._brings_in(phrase) or bool(self._v.counts.find(phrase)),
            reasons=tuple(reasons),
        )  # fmt: skip

    def _brings_in(self, words: str) -> bool:
        """`Another`, `several`, `a`: what follows was not spoken of yet."""
        return self._v.another.search(words) is not None or self._v.article.search(words) is not None

    def _phrase_start(self, hit: Hit[Head]) -> int:
        """Where the noun phrase of a head begins: after the last preposition, verb or other head before it."""
        floor = max([self._words.clause_at(hit.start)[0], hit.start - 90, *self._ends_before(hit.start)])
        starts = [m.end() for m in self._v.noun_phrase_starts.finditer(self._text, floor, hit.start)]
        if self._ends_before(hit.start):  # "cysts up to 2 cm and a 9 mm nodule"
            starts += [m.end() for m in self._v.grammar.phrase_cut.finditer(self._text, floor, hit.start)]
            starts += [
                size.end for size in self._words.sizes if size.end <= hit.start and self._follows_a_head(size.start)
            ]
        commas = [floor + m.start() for m in re.finditer(", ", self._text[floor : hit.start])]
        starts += [comma + 2 for comma in commas if self._ends_phrase(comma)]
        if ")" not in self._text[(bracket := self._text.rfind("(", floor, hit.start)) : hit.start]:
            starts.append(bracket + 1)
        return max([floor, *starts])

    def _follows_a_head(self, place: int) -> bool:
        """`nodule 6mm` in telegraphic lists: the size is the nodule's, not of what follows."""
        return any(0 <= place - hit.end <= 1 for hit in self._words.heads if hit.value.rank)

    def _ends_phrase(self, comma: int) -> bool:
        """Whether a comma is more than one between adjectives ("round, low-density lesion")."""
        before = self._text[max(0, comma - 24) : comma]
        adjectives = (self._v.makes_a_lesion, self._v.many, self._v.adjectives)
        return not any(m.end() == len(before) for words in adjectives for m in words.finditer(before))

    def _ends_before(self, place: int) -> list[int]:
        return [hit.end for hit in self._words.heads if hit.end <= place - 1]

    def _is_definite(self, start: int, head_start: int) -> bool:
        """`The mass`, `these nodules`, `the number of nodules`: the reader knows them already."""
        if self._v.definite.search(self._text[start:head_start]):
            return True
        return any(
            m.end() >= start - 2 for m in self._v.definite_before.finditer(self._text, max(0, start - 20), head_start)
        )

    def _is_attached(self, start: int, head_start: int) -> bool:
        """`The colon is tethered to the mass`"""
        bare = self._v.definite.fullmatch(self._text[start:head_start].strip()) is not None
        before = self._text[self._words.clause_at(start)[0] : start]
        return (
            bare and self._v.verbs.search(before) is not None and self._v.grammar.hangs_on.fullmatch(before) is not None
        )

    def _hedge_before(self, start: int, head_start: int) -> Hit[Hedge] | None:
        """A hedge inside the noun phrase or right before it."""
        floor = self._words.clause_at(start)[0]
        hedges = [h for h in self._words.hedges if floor <= h.start and h.end <= head_start and start - h.end <= 12]
        return hedges[-1] if hedges else None

    def _doubt_after(self, hit: Hit[Head]) -> Hit[Hedge] | None:
        """`A metastasis in segment II cannot be excluded.`"""
        end = self._words.clause_at(hit.start)[1]
        later = [other.start for other in self._words.heads if other.start > hit.end]
        doubts = [h for h in self._words.hedges_after if hit.end <= h.start < min([end, *later])]
        return doubts[0] if doubts else None

    def _is_lesion(self, mention: Mention) -> bool:
        phrase = self._text[mention.start : mention.end]
        if self._v.not_a_lesion.search(phrase) or self._is_only_possible(mention) or self._is_plain_node(mention):
            return False
        if any(o.end <= mention.head_start <= o.end + 1 and o.start >= mention.start for o in self._words.others):
            return mention.head.rank >= (1 if self._v.thickened.search(self._text, *self._noun_before(mention)) else 2)
        if mention.head.rank > 0:
            return True
        sized = any(mention.start <= size.start < mention.head_start for size in self._words.sizes)
        if not sized and self._v.makes_a_lesion.search(phrase) is None:
            return False
        if any(
            0 <= o.start - mention.end <= 16 and self._v.grammar.belonging.match(self._text, mention.end)
            for o in self._words.others
        ):
            return False
        return not self._v.dense.search(phrase) or any(hit.value == "bone" for hit in self._words.organs)

    def _noun_before(self, mention: Mention) -> tuple[int, int]:
        """The span of the other noun right before a head: `bladder wall nodule`."""
        nouns = [o for o in self._words.others if o.end <= mention.head_start]
        return nouns[-1].start, nouns[-1].end

    def _is_only_possible(self, mention: Mention) -> bool:
        """`Small deposits may be missed`, `a nodule could not be evaluated`: a limit of the method, no lesion."""
        sized = any(mention.start <= size.start < mention.head_start for size in self._words.sizes)
        after = self._v.unassessed.search(self._text, mention.end, self._words.clause_at(mention.head_start)[1])
        return after is not None and not sized and not mention.definite

    def _is_plain_node(self, mention: Mention) -> bool:
        """Nodes said to be normal, and nodes as a place: "metastases: lymph nodes, lungs, liver"."""
        if not self._v.plain_node.fullmatch(mention.kind_text):
            return False
        start, end = self._words.clause_at(mention.head_start)
        if any(size.start >= start and size.start < end for size in self._words.sizes):
            return False
        if any(hit.value for hit in self._v.normal.find(self._text, mention.start, end)):
            return True
        listed = any(
            self._v.grammar.organ_joins.fullmatch(self._text, mention.end, o.start) for o in self._words.organs
        )
        listed = listed and self._text[mention.start : mention.head_start].strip(" :") == ""
        return listed and any(head.end < mention.start for head in self._words.heads)

    def _refines(self, base: Mention | None, mention: Mention) -> Hedge | None:
        """How sure the sentence is that this word only names the kind of an earlier lesion; None = its own lesion."""
        bracketed = "(" in self._text[max(0, mention.start - 1) : mention.start + 1]
        after = [h.value for h in self._words.hedges_after if 0 <= h.start - mention.end <= 24]
        if self._is_asked(mention):
            after.append(Hedge("low", "possible"))
        if base is None:
            return self._speaks_of_earlier(mention, after) if mention.head.rank >= 2 else None
        between = self._text[base.end : mention.start]
        before = [h for h in self._words.hedges if base.end <= h.start and h.end <= mention.head_start]
        near = [h for h in before if mention.head_start - h.end <= _HEDGE_REACH and self._reaches(h.end, mention)]
        if near and self._is_added(near[-1].end, mention):
            return None
        sized = any(mention.start <= size.start < mention.head_start for size in self._words.sizes)
        if sized or len(between) > 200 or self._starts_anew(base, mention, near) or self._is_elsewhere(mention):
            return None
        if not near and mention.head.rank >= 2 and self._is_apposition(base, mention):
            return Hedge("low", "possible") if self._offers_another(mention) else Hedge("high", "present")
        if near or ((mention.head.rank >= 2 or base.head.rank == 0) and (after or bracketed)):
            levels = [*(h.value for h in near), *after] or [Hedge("high", "present")]
            return min(levels, key=lambda hedge: _SURENESS.index(hedge.level))
        return None

    def _is_added(self, hedge_end: int, mention: Mention) -> bool:
        """`A lesion consistent with angiomyolipoma and 2 simple cysts`: the number begins another lesion."""
        named = any(hedge_end <= head.start and head.end <= mention.start for head in self._words.heads)
        numbered = re.match(r" ?\d", self._text[mention.start : mention.head_start]) or self._counted(mention)
        joined = self._v.grammar.phrase_cut.search(self._text, hedge_end, mention.start + 1)
        return named and bool(numbered) and joined is not None

    def _counted(self, mention: Mention) -> bool:
        """`Two`, `three`: "a" and "an" stand before kinds as well."""
        numbers = self._v.counts.find(self._text, mention.start, mention.head_start)
        return any(number.value > 1 for number in numbers)

    def _is_apposition(self, base: Mention, mention: Mention) -> bool:
        """`The nodule is an adenoma`, `a nodule of 17 mm, adenoma`: a bare name, told of the lesion before it."""
        between = self._text[base.end : mention.start]
        if self._v.grammar.copula.search(between):
            return self._v.beside.search(self._text, self._words.clause_at(base.start)[0], base.start) is None
        named = any(mention.start <= place < mention.head_start for place in self._words.located)
        bare = not named and not mention.introduced and not mention.head.plural and base.head.generic
        alone = self._is_predicate(mention.end) and mention.head.kind != "node"
        return bare and alone and re.search(r"[,(:] ?$", self._text[: mention.start]) is not None

    def _offers_another(self, mention: Mention) -> bool:
        """`cyst or metastasis`"""
        return self._v.grammar.either.search(mention.kind_text) is not None

    def _is_asked(self, mention: Mention) -> bool:
        """`(cyst?)`, `Metastasis ?`"""
        return (
            re.match(r"[a-z ]{0,3}\?|[^.;,(]{0,60}\?$", self._text[mention.end : self._words.sentence.end]) is not None
        )

    def _starts_anew(self, base: Mention, mention: Mention, near: list[Hit[Hedge]]) -> bool:
        """Whether a lesion that is not a node follows a node, unhedged: it is another one."""
        stop = near[-1].end if near else mention.start
        return base.head.kind == "node" and mention.head.kind != "node" and not near and stop > base.end

    def _is_elsewhere(self, mention: Mention) -> bool:
        """`Pancreatic carcinoma with probable liver metastases`: it names an organ that was not spoken of before."""
        own = {o.value for o in self._words.organs if mention.start <= o.start < mention.end}
        before = {o.value for o in self._words.organs if o.start < mention.start}
        before |= {p.value.organs[0] for p in self._words.places if p.start < mention.start and p.value.implies}
        own -= {"lymph_node"}
        return bool(own and before) and own.isdisjoint(before) and mention.head.rank >= 3

    def _reaches(self, hedge_end: int, mention: Mention) -> bool:
        between = self._text[hedge_end : mention.start]
        return self._v.verbs.search(between) is None and ";" not in between

    def _speaks_of_earlier(self, mention: Mention, after: list[Hedge]) -> Hedge | None:
        start = self._words.sentence.start
        before = [h for h in self._words.hedges if h.end <= mention.head_start]
        hedges = [*(h.value for h in before), *after]
        opening = self._text[start : start + 60]
        anaphor = self._v.anaphor.match(opening.lstrip("-( "))
        short = mention.end - start < _SHORT and not self._words.organs and not self._words.sizes
        leading = [h.start for h in before if "," not in self._text[h.end : mention.start]]
        new = self._v.another.search(self._text, start, mention.head_start) or (
            hedges and self._v.article.search(self._text, start, leading[0] if leading else mention.head_start)
        )
        bare = short and not self._words.places and not new
        if hedges and (anaphor or bare):
            return min(hedges, key=lambda hedge: _SURENESS.index(hedge.level))
        return None

    def _explained_away(self, mention: Mention) -> bool:
        """Whether the sentence says that the thing is no lesion at all: "considered as accessory spleen"."""
        if mention.head.rank >= 3:
            return False
        for hedge in self._words.hedges:
            others = [
                o for o in self._words.others if 0 <= o.start - hedge.end <= 45 and self._plain(hedge.end, o.start)
            ]
            if hedge.start >= mention.end and others and not self._lesion_between(hedge.end, others[0].start):
                return True
        later = [o for o in self._words.others if o.start >= mention.end]
        reasons = self._v.explains.finditer(self._text, mention.end, mention.window[1])
        if any(0 <= o.start - reason.end() <= 16 for reason in reasons for o in later):
            return True
        return any(0 <= h.start - o.end <= 24 for o in later for h in self._words.hedges_after)

    def _plain(self, start: int, end: int) -> bool:
        return self._v.verbs.search(self._text, start, end) is None

    def _lesion_between(self, start: int, end: int) -> bool:
        return any(start <= hit.start < end for hit in self._words.heads)

    def _with_windows(self, mentions: list[Mention]) -> list[Mention]:
        """Cut the sentence between its lesions: at a clause's end, else at a comma or an "and", else after the head."""
        cuts = [self._words.sentence.start]
        for last, following in pairwise(mentions):
            clause = self._words.clause_at(following.head_start)[0]
            joint = list(self._v.grammar.lesion_cut.finditer(self._text[last.end : following.start]))
            cut = last.end + joint[-1].start() if joint else following.start
            told = any(clause <= size.start and size.end <= cut for size in self._words.sizes)  # of the one before
            cuts.append(clause if clause >= last.end and not told else cut)
        cuts.append(self._words.sentence.end)
        return [replace(m, window=(cuts[i], cuts[i + 1])) for i, m in enumerate(mentions)]

    def _with_denial(self, mention: Mention) -> Mention:
        """The mention with how, and by which words, the sentence denies it."""
        start, end = self._words.clause_at(mention.head_start)
        before = [n for n in self._words.negations if n.value == "before" and start <= n.start and n.end <= mention.end]
        after = [n for n in self._words.negations if n.value == "after" and mention.end <= n.start < end]
        resumed = self._predicate_after_insertion(mention, end)
        after = [n for n in (*after, *resumed) if not self._is_in_phrase_of_another(mention, start)]
        before = [n for n in before if n.start < mention.head_start and not self._hidden(n)]
        before = [n for n in before if not self._is_in_phrase_of_another(mention, n.end)]
        if mention.head.kind == "node" and self._v.not_enlarged.search(self._text, mention.end, end):
            return self._not_enlarged(mention, start, end)
        if not before and not after:
            return mention
        gone = next((n for n in (*after, *before) if self._v.gone.search(n.text)), None)
        words = gone or (before[-1] if before else after[0])
        reason = Reason("presence_gone" if gone else "presence_denied", words.start, words.end)
        known = words in after and self._is_known(mention)
        denied = "gone" if gone or known or words in resumed else self._extent(mention, before)
        return replace(mention, denied=denied, reasons=(*mention.reasons, reason))

    def _not_enlarged(self, mention: Mention, start: int, end: int) -> Mention:
        """`The nodes are not enlarged` names no lesion, unless they are measured."""
        words = self._v.not_enlarged.search(self._text, mention.end, end)
        if words is None or any(start <= size.start < end for size in self._words.sizes):
            return mention
        reason = Reason("presence_denied", words.start(), words.end())
        return replace(mention, denied="all", reasons=(*mention.reasons, reason))

    def _is_in_phrase_of_another(self, mention: Mention, start: int) -> bool:
        """`No invasion of the vein by the mass`: what is denied is a noun before, and the mass is known to be there."""
        if not self._v.definite.match(self._text[mention.start : mention.head_start].lstrip()):
            return False
        between = self._text[start : mention.start]
        others = any(start <= head.start < mention.start for head in self._words.heads)
        return not others and self._v.grammar.hangs_on.fullmatch(between) is not None

    def _is_known(self, mention: Mention) -> bool:
        """`The previously described 6 mm nodule`: to deny this one denies no other, and clears no organ."""
        phrase = self._text[mention.start : mention.head_start]
        sized = any(mention.start <= size.start < mention.head_start for size in self._words.sizes)
        return mention.definite and (sized or len(list(self._v.definite.finditer(phrase))) > 1)

    def _predicate_after_insertion(self, mention: Mention, end: int) -> list[Hit[str]]:
        """`The nodule, which was seen before, was not detected`: the clause after the insertion speaks of the head."""
        relative = self._v.grammar.relative.match(self._text, mention.end, end)
        if relative is None:
            return []
        later = [n for n in self._words.negations if n.value == "after" and n.start >= end]
        opens = [(n, self._text[end : n.start].strip(", ")) for n in later]
        return [n for n, verb in opens if not verb or self._v.verbs.fullmatch(verb)]

    def _extent(self, mention: Mention, before: list[Hit[str]]) -> str:
        """Whether a denial is whole ("all") or limited ("some": "no new lesion", "apart from these, no …")."""
        if self._v.breaks_scope.match(self._text, self._words.sentence.start):
            return "some"
        limits = self._text[before[-1].end if before else mention.start : mention.head_start]
        return "some" if self._v.limits_a_negation.search(limits) else "all"

    def _hidden(self, negation: Hit[str]) -> bool:
        pseudo = (n for n in self._words.negations if n.value == "pseudo")
        return any(p.start <= negation.start and negation.end <= p.end for p in pseudo)


_SURENESS: list[Certainty] = ["low", "high", "certain", "not_stated"]
_MALIGNANCY: dict[Kind, Malignancy] = {
    "metastasis": "malignant",
    "benign": "benign",
    "cyst": "benign",
    "tumour": "malignant",
}


def _one_class(member: Head, group: Head) -> bool:
    """Whether a word can stand for a member of a group: "deposits, the largest lesion"."""
    vague = ("indeterminate", "tumour")
    return member.kind == group.kind or (member.generic and member.kind in vague) or group.kind == "indeterminate"


def _telling(head: Head) -> tuple[bool, int]:
    """How much a word tells of the kind; a metastasis in a node is a node."""
    return head.kind == "node", head.rank


def with_kind(head: Head, kind: Kind, rank: int, malignancy: Malignancy) -> Head:
    """The head with another kind; a lymph node stays one, whatever its cause."""
    if head.kind == "node":
        return replace(head, malignancy=malignancy, metastatic=head.metastatic or kind == "metastasis")
    return replace(head, kind=kind, rank=rank, malignancy=malignancy)


def _is_dense(mention: Mention) -> bool:
    return any(reason.rule == "kind_dense" for reason in mention.reasons)


def _refined(base: Mention, refinement: Mention, hedge: Hedge) -> Mention:
    """The base with the kind that the sentence gives it; of several alternatives the worst."""
    head = refinement.head
    sure = "certain" if hedge.presence == "present" else hedge.level
    if head.rank < 2 or (base.type_certainty != "not_stated" and _BADNESS[head.kind] <= _BADNESS[base.head.kind]):
        return replace(base, type_certainty="low" if head.rank >= 2 else base.type_certainty)
    changed = replace(
        with_kind(base.head, head.kind, max(base.head.rank, head.rank), head.malignancy),
        organ=base.head.organ or (head.organ if head.kind != "node" else None), generic=False,
        refined=base.head.generic,
    )  # fmt: skip
    return replace(
        base, head=changed, kind_text=refinement.kind_text, type_certainty=sure, end=base.end,
        reasons=(*base.reasons, Reason("kind_hedged", refinement.start, refinement.end)),
    )  # fmt: skip


_BADNESS = {"other": 0, "indeterminate": 0, "benign": 1, "cyst": 1, "node": 1, "tumour": 2, "metastasis": 3}
