"""Where a lesion is: its organ, its side, its parts, and the masks that hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from RSuperLib.report.lexicon import Hit
from RSuperLib.report.mentions import Mention
from RSuperLib.report.reasons import Reason
from RSuperLib.report.schema import Laterality
from RSuperLib.report.vocabulary import SEGMENT, SEGMENT_RANGE, Place, Vocabulary, Words

#: Organs without sides: "left lobe" and "right" there are parts.
UNSIDED = frozenset({
    "liver", "pancreas", "spleen", "stomach", "uterus", "gallbladder", "duodenum", "esophagus",
    "colon", "small_bowel",
})  # fmt: skip
_VAGUE = frozenset({"upper_abdomen", "pelvis"})
_OUTSIDE_PELVIS = frozenset({
    "liver", "pancreas", "kidney", "adrenal", "spleen", "gallbladder", "stomach", "duodenum", "lung", "breast",
})  # fmt: skip
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
#: Plain names of parts, and what they are among the masks. Every language leads to these names.
LIVER_PARTS = {
    "right lobe": (5, 6, 7, 8), "left lobe": (2, 3, 4), "caudate lobe": (1,), "dome": (7, 8),
    "left lateral segment": (2, 3), "right anterior section": (5, 8), "right posterior section": (6, 7),
    "left medial segment": (4,), "both lobes": (1, 2, 3, 4, 5, 6, 7, 8),
}  # fmt: skip
PANCREAS_PARTS = {
    "head": "pancreas_head", "neck": "pancreas_head", "uncinate process": "pancreas_head",
    "body": "pancreas_body", "tail": "pancreas_tail",
}  # fmt: skip
LUNG_PARTS = {
    "upper lobe": "upper_lobe", "lingula": "upper_lobe", "middle lobe": "middle_lobe", "lower lobe": "lower_lobe",
}  # fmt: skip
_MASK_OF_ORGAN = {"gallbladder": "gall_bladder", "adrenal": "adrenal_gland"}
_SIDED_MASKS = frozenset({"kidney", "adrenal", "lung", "breast"})


@dataclass(frozen=True, slots=True)
class Location:
    """An organ with the side and the parts of it that a text names."""

    organ: str
    side: Laterality | None = None
    parts: tuple[str, ...] = ()
    #: How the organ was found, as a rule id.
    rule: str = ""
    flags: tuple[str, ...] = ()
    #: Where in the text the organ stands, when the lesion's own words name it.
    span: tuple[int, int] | None = None
    reasons: tuple[Reason, ...] = ()
    #: The further organs that a heading names.
    others: tuple[Location, ...] = ()


def locate(vocabulary: Vocabulary, words: Words, mention: Mention, heading: Location | None,
           carried: Location | None) -> Location:  # fmt: skip
    """The place of a mention: by its own words, its sentence, its heading, or the sentence before."""
    finder = _Locator(vocabulary, words, mention)
    return finder.locate(heading, carried)


def organs_named(vocabulary: Vocabulary, words: Words, start: int, end: int) -> list[Hit[str]]:
    """Organs in a stretch of text, by name or by a part that only they have."""
    hits = [hit for hit in words.organs if start <= hit.start and hit.end <= end]
    for place in words.places:
        inside = start <= place.start and place.end <= end
        if inside and place.value.implies and not any(h.start < place.end and place.start < h.end for h in hits):
            hits.append(Hit(place.start, place.end, place.text, place.value.organs[0]))
    return sorted(hits, key=lambda hit: hit.start)


def heading_place(vocabulary: Vocabulary, words: Words) -> Location | None:
    """What a heading speaks of: its first organ with its parts, and its other organs."""
    start, end = words.sentence.start, words.sentence.end
    named = {hit.value: hit for hit in reversed(organs_named(vocabulary, words, start, end))}
    places = [_headed(vocabulary, words, hit, alone=len(named) == 1) for hit in reversed(named.values())]
    if not places:
        organs = [Location(head.value.organ, rule=head.text, span=(head.start, head.end)) for head in words.heads
                  if head.value.organ]  # fmt: skip
        return organs[0] if organs else None
    return replace(places[0], others=tuple(places[1:]))


def _headed(vocabulary: Vocabulary, words: Words, hit: Hit[str], *, alone: bool) -> Location:
    sides = words.sides if alone else [side_near(vocabulary, words, hit, words.sentence.start, words.sentence.end)]
    sided = [side.value for side in sides if side] + [p.value.side for p in words.places if p.value.side]
    side = sided[0] if len(sided) == 1 and hit.value not in UNSIDED else None
    inside = [place for place in words.places if hit.value in place.value.organs]
    parts = dict.fromkeys(name for place in inside for name in part_names(place, hit.value) if name)
    title = words.text[words.sentence.start : words.sentence.end]
    return Location(hit.value, side, tuple(parts), title, span=(hit.start, hit.end))


def organs_joined(vocabulary: Vocabulary, words: Words, place: Location, window: tuple[int, int]) -> list[Location]:
    """The other organs of "cysts in the liver and left kidney" and of "liver, lung and bone metastases"."""
    if place.span is None:
        return []
    hits: list[Hit[str]] = []
    first, last = place.span
    for hit in reversed(organs_named(vocabulary, words, window[0], first)):
        if not vocabulary.grammar.organ_joins.fullmatch(words.text, hit.end, first):
            break
        hits.insert(0, hit)
        first = hit.start
    for hit in organs_named(vocabulary, words, last, window[1]):
        if not vocabulary.grammar.organ_joins.fullmatch(words.text, last, hit.start):
            break
        hits.append(hit)
        last = hit.end
    return [_joined(vocabulary, words, hit, window) for hit in hits if hit.value not in (*_VAGUE, place.organ)]


def _joined(vocabulary: Vocabulary, words: Words, hit: Hit[str], window: tuple[int, int]) -> Location:
    side = None if hit.value in UNSIDED else side_near(vocabulary, words, hit, *window)
    reasons = (Reason("organ_in_words", hit.start, hit.end), *_side_reasons(side, "side_near_organ"))
    return Location(hit.value, side.value if side else None, (), "organ_in_words", reasons=reasons)


def side_near(vocabulary: Vocabulary, words: Words, organ: Hit[str], start: int,
              end: int) -> Hit[Laterality] | None:  # fmt: skip
    """The side said of one organ: right before it, else right after it."""
    before = [s for s in words.sides if start <= s.start < end and s.end <= organ.start + 1 <= s.end + 31]
    before = [s for s in before if not vocabulary.grammar.side_cut.search(words.text[s.end : organ.start])]
    after = [s for s in words.sides if organ.end <= s.start < end and s.start - organ.end <= 22]
    within = [s for s in words.sides if organ.start <= s.start and s.end <= organ.end]
    near = (before or within)[-1:] or after[:1]
    return near[0] if near else None


def _side_reasons(side: Hit[Laterality] | None, rule: str) -> tuple[Reason, ...]:
    return (Reason(rule, side.start, side.end),) if side else ()


class _Locator:
    def __init__(self, vocabulary: Vocabulary, words: Words, mention: Mention) -> None:
        self._v, self._words, self._mention, self._text = vocabulary, words, mention, words.text

    def locate(self, heading: Location | None, carried: Location | None) -> Location:
        window = self._mention.window
        organ, hit, rule = self._organ(window, heading, carried)
        side, side_reasons = self._side(organ, hit, window, wide=rule == "organ_in_sentence")
        parts, reasons, flags = self._parts(organ, window)
        if not parts and rule == "organ_in_sentence":
            parts, reasons, flags = self._parts(organ, (self._words.sentence.start, self._words.sentence.end))
        if heading and heading.organ == organ and (more := [name for name in heading.parts if name not in parts]):
            parts += more
            reasons.append(Reason("part_heading", *(heading.span or (0, 0))))
        for other, name in ((heading, "heading"), (carried, "carried")):
            if other and not side and other.organ == organ and (name == "heading" or self._continues(rule)):
                side, side_reasons = other.side, (Reason(f"side_{name}", *(other.span or (0, 0))),)
        several_stations = organ == "lymph_node" and len(parts) > 1 and side != "bilateral"
        if organ in UNSIDED or several_stations:
            side = None
        if rule == "organ_unknown":
            flags = [*flags, "organ_not_stated"]
        words = self._organ_words(hit, rule, heading, carried)
        why = (Reason(rule, *words), *(side_reasons if side else ()), *reasons)
        span = words if hit and rule == "organ_in_words" else None
        return Location(organ, side, tuple(parts), rule, tuple(flags), span, why)

    def _organ_words(self, hit: Hit[str] | None, rule: str, heading: Location | None,
                     carried: Location | None) -> tuple[int, int]:  # fmt: skip
        """The words that name the organ; the lesion's own word where it tells the organ by itself."""
        if rule == "organ_of_lesion":
            return self._mention.head_start, self._mention.end
        if hit:
            return hit.start, hit.end
        source = {"organ_heading": heading, "organ_carried": carried}.get(rule)
        return (source.span if source else None) or (0, 0)

    def _continues(self, rule: str) -> bool:
        """No organ, or a lobe without a side: it stands in the organ of the sentence before."""
        lobe = not self._words.organs and any(place.value.implies for place in self._words.places)
        return rule == "organ_carried" or lobe

    def _organ(self, window: tuple[int, int], heading: Location | None,
               carried: Location | None) -> tuple[str, Hit[str] | None, str]:  # fmt: skip
        near = self._nearest(*window)
        wide = self._nearest(self._words.sentence.start, self._words.sentence.end)
        own = self._v.organs_of_heads.find(self._mention.kind_text)
        above = _telling(heading) if near and self._is_beside(near) else None
        choices = [
            (self._mention.head.organ, near, "organ_of_lesion"),
            (above, None, "organ_heading"),
            (_telling(near), near, "organ_beside" if near and self._is_beside(near) else "organ_in_words"),
            (own[0].value if own else None, near, "organ_of_lesion"),
            (_telling(wide), wide, "organ_in_sentence"),
            (
                "pelvis" if near and near.value == "pelvis" and _is_outside_pelvis(heading) else None,
                near,
                "organ_in_words",
            ),
            (_telling(heading), None, "organ_heading"),
            ("liver" if self._names_a_segment(window, carried) else None, None, "organ_of_segment"),
            ("bone" if self._names_a_bone(window) else None, None, "organ_of_part"),
            ("pelvis" if wide and wide.value == "pelvis" else None, wide, "organ_in_sentence"),
            (self._operated(), None, "organ_of_operation"),
            (_telling(carried), None, "organ_carried"),
        ]
        return next(((organ, hit, rule) for organ, hit, rule in choices if organ), ("other", None, "organ_unknown"))

    def _names_a_segment(self, window: tuple[int, int], carried: Location | None) -> bool:
        """A bare "segment 7" is the liver's, unless the lung is being described."""
        named = any(names_segment(p.value) for p in self._words.places if window[0] <= p.start < window[1])
        return named and (carried is None or carried.organ != "lung")

    def _names_a_bone(self, window: tuple[int, int]) -> bool:
        """A level of the spine without the word: `a lesion in T8`."""
        places = [place for place in self._words.places if window[0] <= place.start < window[1]]
        cavities = [hit for hit in self._words.organs if hit.value in _VAGUE and not self._is_of_bone()]
        return any(
            place.value.organs == ("bone",) and not any(c.start <= place.start < c.end for c in cavities)
            for place in places
        )

    def _is_of_bone(self) -> bool:
        """`Sclerotic foci in the pelvis`: the bone, not what it surrounds."""
        return self._v.dense.search(self._text, self._mention.start, self._mention.end) is not None

    def _operated(self) -> str | None:
        """`Distal pancreatectomy for a 4.5 cm neoplasm` names the organ."""
        hits = self._v.ectomies.find(self._text, self._words.sentence.start, self._mention.start)
        return hits[-1].value if hits else None

    def _nearest(self, start: int, end: int) -> Hit[str] | None:
        hits = [h for h in organs_named(self._v, self._words, start, end) if h.value != "lymph_node"]
        best = min(hits, key=self._distance, default=None)
        if best is None or not self._is_beside(best):
            return best
        return Hit(best.start, best.end, best.text, self._v.beside_organ.get(best.value, best.value))

    def _distance(self, hit: Hit[str]) -> tuple[bool, bool, int]:
        mention = self._mention
        if mention.start <= hit.start < mention.end:
            gap = 0
        elif hit.start >= mention.end:
            gap = hit.start - mention.end
        else:
            gap = mention.start - hit.end + 20
        return self._is_beside(hit), hit.value in _VAGUE, gap

    def _is_beside(self, hit: Hit[str]) -> bool:
        """Whether the words only say what the lesion is next to."""
        start, end = max(self._words.sentence.start, hit.start - 60), self._words.sentence.end
        marks = [m for m in self._v.beside.finditer(self._text, start, end) if 0 <= hit.start - m.end() <= 34]
        return bool(marks) and "," not in self._text[marks[-1].end() : hit.start]

    def _side(self, organ: str, hit: Hit[str] | None, window: tuple[int, int], *,
              wide: bool) -> tuple[Laterality | None, tuple[Reason, ...]]:  # fmt: skip
        start, end = window
        sides = [s for s in self._words.sides if start <= s.start < end]
        both = next((s for s in sides if s.value == "bilateral"), None)
        if both and self._mention.head.plural and organ != "lymph_node":
            return "bilateral", _side_reasons(both, "side_of_group")
        part = next((p for p in self._words.places if start <= p.start < end and p.value.side), None)
        if part:
            return part.value.side, (Reason("side_of_part", part.start, part.end),)
        by_organ, rule = self._side_by_organ(organ, hit, window) if hit else (None, "")
        if by_organ:
            return by_organ.value, _side_reasons(by_organ, rule)
        anchor = self._mention
        sides.sort(key=lambda s: min(abs(s.start - anchor.end), abs(anchor.start - s.end)))
        rule = "side_nearest"
        if not sides and (wide or self._opens_with_side()) and len({s.value for s in self._words.sides}) == 1:
            sides, rule = self._words.sides, "side_in_sentence"
        if sides:
            return sides[0].value, _side_reasons(sides[0], rule)
        if hit and self._mention.head.plural and self._v.paired_plural.search(self._text, *self._around(hit)):
            return "bilateral", (Reason("side_of_plural", hit.start, hit.end),)
        return None, ()

    def _side_by_organ(self, organ: str, hit: Hit[str],
                       window: tuple[int, int]) -> tuple[Hit[Laterality] | None, str]:  # fmt: skip
        """The side beside the organ; in `both kidneys are normal but for a cyst on the left` that beside the lesion."""
        clause = self._words.clause_at(self._mention.head_start)
        if not clause[0] <= hit.start < clause[1]:
            start, end = max(clause[0], window[0]), min(clause[1], window[1])
            side = next((s for s in self._words.sides if start <= s.start < end), None)
            if side:
                return side, "side_nearest"
        if organ != hit.value:
            return None, ""
        start, end = self._words.clause_at(hit.start)
        near = side_near(self._v, self._words, hit, max(start, window[0]), min(end, window[1]))
        return near or side_near(self._v, self._words, hit, *window), "side_near_organ"

    def _opens_with_side(self) -> bool:
        """`On the right there is a nodule and two cysts`: the side stands before all of them."""
        sides, heads = self._words.sides, self._words.heads
        return bool(sides and heads) and sides[0].end <= heads[0].start

    def _around(self, hit: Hit[str]) -> tuple[int, int]:
        return max(self._words.sentence.start, hit.start - 1), min(self._words.sentence.end, hit.end + 8)

    def _parts(self, organ: str, window: tuple[int, int]) -> tuple[list[str], list[Reason], list[str]]:
        """The parts named in a stretch of text, the words for them, and flags for parts that do not exist."""
        parts: list[str] = []
        reasons: list[Reason] = []
        flags: list[str] = []
        for hit in self._words.places:
            inside = window[0] <= hit.start < window[1]
            if not inside or organ not in hit.value.organs:
                continue
            for name in part_names(hit, organ):
                if name == "":
                    flags.append("segment_unknown")
                elif name not in parts:
                    parts.append(name)
                    reasons.append(Reason("part_named", hit.start, hit.end))
        return parts, reasons, flags


def _is_outside_pelvis(heading: Location | None) -> bool:
    """Whether a heading's organ cannot be meant by "the pelvis"."""
    return heading is not None and heading.organ in _OUTSIDE_PELVIS


def _telling(named: Hit[str] | Location | None) -> str | None:
    """The organ, unless it is none or too vague to hold a lesion."""
    organ = named.organ if isinstance(named, Location) else named.value if named else None
    return None if organ in _VAGUE else organ


def part_names(hit: Hit[Place], organ: str) -> list[str]:
    """Plain names of a place: `segments v/vi` gives "segment 5", "segment 6"; "" for a liver segment above 8."""
    if names_segment(hit.value):
        through = SEGMENT_RANGE in hit.value.parts
        return [_segment_name(number, suffix, organ) for number, suffix in _segment_numbers(hit.text, through=through)]
    return [re.sub(r" +", " ", hit.text) if part == "=" else part for part in hit.value.parts]


def names_segment(place: Place) -> bool:
    """Whether the place is one or more numbered segments."""
    return place.parts in ((SEGMENT,), (SEGMENT_RANGE,))


def _segment_numbers(text: str, *, through: bool) -> list[tuple[int, str]]:
    numbers = [(m[1], m[2]) for m in re.finditer(r"(viii|vii|vi|iv|v|iii|ii|i|\d{1,2})([ab]?)(?![a-z0-9])", text)]
    values = [(_ROMAN.get(number) or int(number), suffix) for number, suffix in numbers]
    if through and len(values) == 2 and values[0][0] < values[1][0]:
        return [(number, "") for number in range(values[0][0], values[1][0] + 1)]
    return values


def _segment_name(number: int, suffix: str, organ: str) -> str:
    largest = 8 if organ == "liver" else 10
    return f"segment {number}{suffix.upper()}" if 1 <= number <= largest else ""


def masks_of(organ: str, parts: tuple[str, ...], side: Laterality | None) -> list[str]:
    """Names of the part masks that together hold a lesion there, e.g. `liver_segment_7`, `kidney_left`."""
    if organ == "liver":
        return _liver_masks(parts)
    if organ == "pancreas":
        return list(dict.fromkeys(PANCREAS_PARTS[part] for part in parts if part in PANCREAS_PARTS)) or ["pancreas"]
    name = _MASK_OF_ORGAN.get(organ, organ)
    if organ not in _SIDED_MASKS:
        return [name]
    sides = [side] if side in ("left", "right") else ["left", "right"]
    if organ != "lung":
        return [f"{name}_{each}" for each in sides]
    return _lung_masks(parts, [str(each) for each in sides])


def _liver_masks(parts: tuple[str, ...]) -> list[str]:
    numbers = [int(m[1]) for part in parts if (m := re.fullmatch(r"segment (\d+)[AB]?", part))]
    if not numbers or "both lobes" in parts:
        numbers = [number for part in parts for number in LIVER_PARTS.get(part, ())]
    if len(set(numbers)) in (0, 8):
        return ["liver"]
    return [f"liver_segment_{number}" for number in sorted(set(numbers))]


def _lung_masks(parts: tuple[str, ...], sides: list[str]) -> list[str]:
    lobes = list(dict.fromkeys(LUNG_PARTS[part] for part in parts if part in LUNG_PARTS))
    masks = [f"lung_{side}_{lobe}" for side in sides for lobe in lobes if (side, lobe) != ("left", "middle_lobe")]
    return masks or [f"lung_{side}" for side in sides]
