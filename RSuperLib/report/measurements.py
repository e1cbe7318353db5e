"""Sizes in a text: the one measurement parser of RSuper. Everything comes out in millimetres.

One to three axes, a unit given once for all of them, ranges and bounds as intervals, European decimal commas. A number
without a unit is reported as such and never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from RSuperLib.report.lexicon import Language, phrase
from RSuperLib.report.normalise import DAMAGE
from RSuperLib.report.schema import SizeKind

_NUMBER = r"\d{1,4}(?:[.,]\d{1,2})?(?![\d])"
_LARGEST_MM = 1000.0
_NEAR = 40  # characters between two axes of one lesion, each with its direction


@dataclass(frozen=True, slots=True)
class Measurement:
    """A size as written. `axes_mm` is empty where the unit is missing, or where a number is `damaged`."""

    start: int
    end: int
    axes_mm: tuple[float, ...]
    kind: SizeKind = "exact"
    low_mm: float | None = None
    high_mm: float | None = None
    unit_missing: bool = False
    damaged: bool = False
    craniocaudal: bool = False
    prior: bool = False
    #: Said to be of this examination ("now", "currently").
    now: bool = False
    #: The direction is named: `54 mm anteroposterior`.
    directed: bool = False

    @property
    def largest_mm(self) -> float:
        """The longest axis; 0 without a unit."""
        return max(self.axes_mm, default=0.0)


class MeasurementParser:
    """Finds the sizes in sentences of one language."""

    def __init__(self, language: Language) -> None:
        self._words = language.attributes
        self._prior_words: list[str] = language.context["prior"]
        self._prior_after_words: list[str] = language.context["prior_after"]
        self._now_words: list[str] = language.context["now"]
        self._timeless_words: list[str] = language.context["no_time"]

    def find(self, text: str, start: int = 0, end: int | None = None) -> list[Measurement]:
        """The sizes in text[start:end] (lower case), in order; distances and slice thicknesses are not sizes."""
        end = len(text) if end is None else end
        found = [size for match in self._pattern.finditer(text, start, end) for size in self._sizes(match)]
        found += self._in_words(text, start, end)
        found += self._damaged(text, start, end)
        found += self._without_unit(text, start, end, found)
        found.sort(key=lambda size: size.start)
        sizes = [self._with_bound(text, start, size) for size in found if self._is_a_size(text, start, end, size)]
        times = [self._time(text, start, end, size, sizes) for size in sizes]
        marked = [replace(s, prior=time == "prior", now=time == "now") for s, time in zip(sizes, times, strict=True)]
        named = [
            replace(s, craniocaudal=self._is_craniocaudal(text, end, s), directed=self._is_directed(text, end, s))
            for s in marked
        ]
        return _join_axes(named)

    def in_cell(self, text: str, start: int, end: int, millimetres: float | None) -> Measurement | None:
        """The size in a cell of a table, where the column may give the unit (`millimetres` per unit)."""
        found = [size for size in self.find(text, start, end) if size.axes_mm]
        if found or millimetres is None:
            return found[0] if found else None
        bare = re.compile(rf"\s*({_NUMBER}(?: ?(?:{self._words['by']}) ?{_NUMBER}){{0,2}})\s*")
        match = bare.fullmatch(text, start, end)
        if match is None:
            return None
        axes = tuple(float(n.replace(",", ".")) * millimetres for n in re.findall(_NUMBER, match[1]))
        whole = all(0 < axis <= _LARGEST_MM for axis in axes)
        return Measurement(*match.span(1), axes, low_mm=max(axes), high_mm=max(axes)) if whole else None

    def unit_in(self, text: str) -> float | None:
        """Millimetres per unit of length that a text names; None where it names none."""
        unit = re.search(rf"(?<![a-z])(?:{self._unit})(?![a-z])", text)
        return None if unit is None else 10.0 if re.fullmatch(self._words["units"]["cm"], unit.group()) else 1.0

    @cached_property
    def _unit(self) -> str:
        return "|".join(self._words["units"].values())

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        unit = rf"(?: |-)?(?:{self._unit})(?![a-z0-9²³])"
        label = rf"(?: ?\(?(?:{self._words['axis_label']})\)?)?"
        step = rf"(?:{unit})?{label} ?(?:{self._words['by']}) ?"
        axes = rf"{_NUMBER}(?:{step}{_NUMBER}){{1,2}}(?:{label}{unit})?"
        span = rf"{_NUMBER}(?:{unit})? ?(?:-|{self._words['range_to']}) ?{_NUMBER}{unit}"
        shared = rf"{_NUMBER}(?:{unit})?(?:, ?{_NUMBER}(?:{unit})?)*,? ?(?:{self._words['and']}) {_NUMBER}{unit}"
        return re.compile(
            rf"(?<![\w.,/{DAMAGE}])(?:(?P<axes>{axes})|(?P<span>{span})|(?P<shared>{shared})|(?P<one>{_NUMBER}{unit}))(?![\w{DAMAGE}])"
        )

    def _in_words(self, text: str, start: int, end: int) -> list[Measurement]:
        """`a one centimetre cyst`"""
        sizes = []
        for match in self._number_words.finditer(text, start, end):
            number = next(float(n) for n, words in self._words["numbers"].items() if re.fullmatch(words, match[1]))
            scale = 10.0 if re.fullmatch(self._words["units"]["cm"], match[2]) else 1.0
            sizes.append(Measurement(match.start(), match.end(), (number * scale,)))
        return sizes

    @cached_property
    def _number_words(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w-])({'|'.join(self._words['numbers'].values())})[ -]({self._unit})(?!\w)")

    def _damaged(self, text: str, start: int, end: int) -> list[Measurement]:
        """Sizes with a control character in a number, `1\\x0b2 mm`: neither 12 nor 2 mm can be told."""
        if text.find(DAMAGE, start, end) < 0:
            return []
        pattern = re.compile(rf"[\d.,]+{DAMAGE}[\d.,{DAMAGE}]*(?: |-)?(?:{self._unit})(?!\w)")
        return [Measurement(*m.span(), (), "not_stated", damaged=True) for m in pattern.finditer(text, start, end)]

    def _without_unit(self, text: str, start: int, end: int, found: list[Measurement]) -> list[Measurement]:
        """`measuring 15`: a size that cannot be used, so that a person can look at it."""
        pattern = re.compile(
            rf"(?<![a-z])(?:{self._words['measures']}) ?(?:{self._words['about']})? ?(?P<n>{_NUMBER})(?!\w)"
            rf"(?! ?(?:{self._words['not_a_length']}|{self._unit}))"
        )
        spans = [(m.start("n"), m.end("n")) for m in pattern.finditer(text, start, end)]
        free = [(a, b) for a, b in spans if not any(s.start < b and a < s.end for s in found)]
        return [Measurement(a, b, (), "not_stated", unit_missing=True) for a, b in free]

    def _sizes(self, match: re.Match[str]) -> list[Measurement]:
        text, start, end = match.group(), match.start(), match.end()
        units = re.findall(rf"(?<![a-z])({self._unit})(?![a-z])", text)
        numbers = [(float(n.group().replace(",", ".")), n.start()) for n in re.finditer(_NUMBER, text)]
        if not units:
            return [Measurement(start, end, (), "not_stated", unit_missing=True)]
        values = [round(v * self._scale(text, place, units[-1]), 3) for v, place in numbers]
        if not all(0 < value <= _LARGEST_MM for value in values):
            return []
        if match["axes"]:
            return [Measurement(start, end, tuple(values))]
        if match["span"] and self._is_range(match):
            low, high = sorted(values)
            return [Measurement(start, end, (high,), "range", low, high)]
        one = re.compile(rf"{_NUMBER}(?:(?: |-)?(?:{self._unit})(?![a-z]))?")
        spans = [m.span() for m in one.finditer(text)]
        return [Measurement(start + a, start + b, (value,)) for value, (a, b) in zip(values, spans, strict=True)]

    def _is_range(self, match: re.Match[str]) -> bool:
        """`2-3 cm`, `2 to 3 cm`, `between 2 and 3 cm`; not `2 and 3 cm`, nor `grown from 2 to 3 cm`."""
        before = match.string[max(0, match.start() - 24) : match.start()].rstrip()
        if re.search(rf" (?:{self._words['and_only']}) ", match.group()):
            return re.search(rf"(?:^|[^a-z])(?:{self._words['between']})$", before) is not None
        ranging = re.search(rf"(?:^|[^a-z])(?:{self._words['ranging_from']})$", before)
        return ranging is not None or re.search(rf"(?:^|[^a-z])(?:{self._words['from']})$", before) is None

    def _scale(self, text: str, place: int, last_unit: str) -> float:
        """Millimetres per unit of the number at `place`: its own unit, else the next one, else the last."""
        follows = re.compile(rf"{_NUMBER}(?: |-)?({self._unit})(?![a-z])").match(text, place)
        unit = follows[1] if follows else last_unit
        return 10.0 if re.fullmatch(self._words["units"]["cm"], unit) else 1.0

    def _with_bound(self, text: str, start: int, size: Measurement) -> Measurement:
        if size.kind != "exact":
            return size
        before = text[max(start, size.start - 24) : size.start].rstrip()
        if re.search(rf"(?:^|[^a-z])(?:{self._words['upper_bound']})$", before):
            return replace(size, kind="upper_bound", high_mm=size.largest_mm)
        if re.search(rf"(?:^|[^a-z])(?:{self._words['lower_bound']})$", before):
            return replace(size, kind="lower_bound", low_mm=size.largest_mm)
        return replace(size, low_mm=size.largest_mm, high_mm=size.largest_mm)

    def _is_a_size(self, text: str, start: int, end: int, size: Measurement) -> bool:
        before, after = (
            text[max(start, size.start - 30) : size.start].rstrip(),
            text[size.end : min(end, size.end + 24)],
        )
        after = after.lstrip(" -")
        if re.match(rf"(?:{self._words['not_a_size_after']})(?![a-z])", after):
            return False
        return not re.search(rf"(?:^|[^a-z])(?:{self._words['not_a_size_before']})$", before)

    def _is_craniocaudal(self, text: str, end: int, size: Measurement) -> bool:
        if len(size.axes_mm) != 1:
            return False
        words = phrase(self._words["craniocaudal"])
        before = text[max(0, size.start - 30) : size.start]
        return bool(words.search(before) or words.search(text[size.end : min(end, size.end + 30)]))

    def _is_directed(self, text: str, end: int, size: Measurement) -> bool:
        if len(size.axes_mm) != 1:
            return False
        return (
            re.match(rf" ?\(?(?:{self._words['axis_label']})(?!\w)", text[size.end : min(end, size.end + 30)])
            is not None
        )

    @cached_property
    def _prior(self) -> re.Pattern[str]:
        return phrase("|".join(self._prior_words))

    @cached_property
    def _prior_after(self) -> re.Pattern[str]:
        return phrase("|".join([*self._prior_words, *self._prior_after_words]))

    @cached_property
    def _now(self) -> re.Pattern[str]:
        return phrase("|".join([*self._now_words, *self._timeless_words]))

    @cached_property
    def _timeless(self) -> re.Pattern[str]:
        return phrase("|".join(self._timeless_words))

    def _time_of(self, words: re.Match[str]) -> str:
        return "" if self._timeless.fullmatch(words.group()) else "now"

    def _time(self, text: str, start: int, end: int, size: Measurement, sizes: list[Measurement]) -> str:
        """ "prior" or "now" by the nearest time word in the size's own stretch of text; "" without one."""
        lows = [other.end for other in sizes if other.end <= size.start]
        highs = [other.start for other in sizes if other.start >= size.end]
        low, high = max([start, *lows]), min([end, *highs])
        before, after = text[low : size.start], text[size.end : high]
        if highs and "," in after:  # ", in the previous CT it was 9 mm" speaks of what follows
            after = after.rpartition(",")[0]
        before = re.split(r"[;)]|, ", before)[-1] if not lows else re.split(r"[;)]", before)[-1]
        after = self._without_comparison(re.split(rf"[;(]|{self._words['time_ends']}", after)[0])
        earlier = list(self._prior.finditer(before))
        now = [m for m in self._now.finditer(before) if not any(p.start() <= m.start() < p.end() for p in earlier)]
        marks = [(len(before) - m.end(), self._time_of(m)) for m in now] + [
            (len(before) - m.end(), "prior") for m in earlier
        ]
        marks += [(m.start() + 1, self._time_of(m)) for m in self._now.finditer(after) if not self._leads_on(m)]
        marks += [(m.start() + 1, "prior") for m in self._prior_after.finditer(after)]
        return min(marks, default=(0, ""))[1]

    def _without_comparison(self, after: str) -> str:
        """The text up to time words that speak of what follows them: `12 mm, grown from 9 mm`, `compared to prior`."""
        marks = [*self._now.finditer(after), *self._prior_after.finditer(after)]
        leads = [m.start() for m in marks if self._leads_on(m) and not self._timeless.fullmatch(m.group())]
        return after[: min(leads, default=len(after))]

    def _leads_on(self, words: re.Match[str]) -> bool:
        return re.search(rf"(?:{self._words['time_leads_on']})$", words.group()) is not None


def _join_axes(sizes: list[Measurement]) -> list[Measurement]:
    """One size with three axes: `57 x 46 mm and a craniocaudal length of 88 mm`, `5 cm long, 3 cm wide, 2 cm deep`."""
    joined: list[Measurement] = []
    for size in sizes:
        last = joined[-1] if joined else None
        third = last and size.craniocaudal and len(last.axes_mm) == 2
        third = third or (last and last.craniocaudal and len(last.axes_mm) == 1 and len(size.axes_mm) == 2)
        beside = last and last.directed and size.directed and size.start - last.end < _NEAR
        if last and (third or beside) and size.prior == last.prior:
            axes = (*last.axes_mm, *size.axes_mm)
            joined[-1] = replace(last, end=size.end, axes_mm=axes, low_mm=max(axes), high_mm=max(axes))
        else:
            joined.append(size)
    return joined
