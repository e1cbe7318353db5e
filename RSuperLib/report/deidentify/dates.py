"""Dates, found in every spelling that reports use and moved without changing the spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from RSuperLib.report.deidentify.changes import Change, change
from RSuperLib.report.deidentify.words import Words, alternatives

#: What replaces a date that does not exist ("31/02/2021"): moving it would keep it recognisable.
UNREADABLE = "[DATE]"
#: Two-digit years from here on are of the last century.
_PIVOT = 50
_FIRST_YEAR, _LAST_YEAR = 1900, 2099
#: The year of dates without one, where the report names none; it only decides which way a leap day falls.
_SOME_YEAR = 2016
_YEAR = r"(?P<y>(?:19|20)\d\d|'\d\d|\d\d)"
_LONG_YEAR = r"(?P<y>(?:19|20)\d\d)"
_DAY = r"(?P<d>3[01]|[12]\d|0?[1-9])"
_MONTH = r"(?P<m>1[0-2]|0?[1-9])"
_SUFFIX = r"(?P<th>st|nd|rd|th|e)?"
_END = r"(?![\d%]|[.,/]\d|-\d|[ ]?(?:mm|cm|ml|cc|mg|hu|kg|cgy|gy|mbq)\b|[ ]?x[ ]?\d)"
#: After a date with the name of a month another date may follow: "28 February-2 March".
_NAMED_END = _END.replace(r"|-\d|", "|")
_START = r"(?<![\w^])(?<!\d[.,/-])"


@dataclass(frozen=True)
class _Order:
    """What the whole report tells of its dates."""

    day_first: bool
    year: int


def date_changes(text: str, words: Words, shift: timedelta) -> Iterator[Change]:
    """Every date of a text, moved by `shift`.

    The order of day and month is taken from dates that allow one order only, else from the language. What lacks a day
    or a month moves as if it were in the middle of the month or year.
    """
    order = _order_of(text, words)
    for rule, pattern in _patterns(words):
        for match in pattern.finditer(text):
            new = _shifted(match, words, order, shift)
            if new is not None:
                yield change(text, match.span("all"), new, "date", rule)


@cache
def _patterns(words: Words) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Rule and pattern, those that take most first. Group `all` is what changes."""
    name = rf"(?P<mon>{_months(words)})"
    cue = rf"(?<!\w)(?:{words.date_cues})\s*:?\s+"
    day2 = _DAY.replace("P<d>", "P<d2>")
    between = rf"(?:-|–|/|{words.between})"
    spellings = {
        "date_iso": rf"{_START}(?P<all>{_LONG_YEAR}(?P<sep>[-/.]){_MONTH}(?P=sep){_DAY})(?![\d-]|/\d)",
        "date_compact": rf"(?<![\w.-])(?P<all>{_LONG_YEAR}(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01]))"
        rf"(?:\d{{6}}(?:\.\d+)?)?(?![\w-])",
        "date_range": rf"{_START}(?P<all>{day2}(?P<between>\s?{between}\s?){_DAY}{_SUFFIX}\s{name}\.?"
        rf"(?:,?\s{_YEAR})?){_NAMED_END}",
        "date_range_month_first": rf"{_START}(?P<all>{name}\.?\s{day2}(?P<between>\s?{between}\s?){_DAY}"
        rf"(?:,?\s{_LONG_YEAR})?){_NAMED_END}",
        "date_day_month": rf"{_START}(?P<all>{_DAY}{_SUFFIX}(?:\s(?:{words.of})\s|\s?[-./]?\s?){name}"
        rf"(?:\.?,?\s?[-/.]?\s?{_YEAR})?(?![^\W\d_])){_NAMED_END}",
        "date_year_month_day": rf"{_START}(?P<all>{_LONG_YEAR}[ -]?{name}\.?[ -]?{_DAY}){_NAMED_END}",
        "date_month_day": rf"(?<!\w)(?P<all>{name}\.?[ -]?{_DAY}{_SUFFIX}(?:(?:,\s?|\s|\s?[-/]\s?){_YEAR})?"
        rf"(?![^\W\d_])){_NAMED_END}",
        "date_month_year": rf"(?<!\w)(?P<all>{name}\.?(?:,?\s(?:{words.of}\s)?|[-/]|(?=(?:19|20)\d\d))"
        rf"(?P<y>(?:19|20)\d\d|'\d\d|[4-9]\d)(?![^\W\d_])){_NAMED_END}",
        "date_numeric": rf"{_START}(?P<all>(?P<a>\d{{1,2}})(?P<sep>\s?[-/.]\s?|\s)(?P<b>\d{{1,2}})(?P=sep)"
        rf"{_YEAR}){_END}",
        "date_month_of_year": rf"{_START}(?P<all>{_MONTH}[/-]{_LONG_YEAR}){_END}",
        "date_after_cue": rf"{cue}(?P<all>(?P<a>\d{{1,2}})(?P<sep>[/-])(?P<b>\d{{1,2}})){_END}(?!\s?(?:of|x)\b)",
        "date_in_brackets": r"\((?P<all>(?P<a>\d\d)(?P<sep>[/-])(?P<b>0\d))\)",
        "date_month": rf"(?<!\w)(?:{words.month_cues})\s+(?P<all>(?-i:{_capitalised(words)}))(?!\w|\.?\s\d)",
        "date_year": rf"(?<!\w)(?:{words.year_cues})\s+(?P<all>{_LONG_YEAR})(?!\w|[-/.]\d|[ ]?(?:mm|cm|ml|cc|mg|hu)\b)",
        "date_year_in_brackets": r"\((?P<all>(?P<y>(?:19|20)\d\d|'\d\d))\)",
    }  # fmt: skip
    return tuple((rule, re.compile(spelling, re.IGNORECASE)) for rule, spelling in spellings.items())


def _months(words: Words) -> str:
    """The names of months. One that is also a verb must look like a month: "segment 7 may" is no date."""
    forms = {form for forms in words.months for form in forms}
    plain = alternatives(forms - set(words.doubtful_months))
    doubtful = "|".join(
        rf"(?-i:{form}|{form.upper()}(?=[ ,./-]{{0,2}}\d))|(?<=\d){form}(?=\d)|(?<=\d[-/.]){form}(?=[-/.]\d)"
        for form in words.doubtful_months
    )
    return f"{plain}|{doubtful}" if doubtful else plain


def _capitalised(words: Words) -> str:
    """Names of months as English writes them, or as the language does: "may" is a verb, "May" a month."""
    full = [forms[0] for forms in words.months]
    return rf"(?P<mon>{alternatives([*full, *(name.upper() for name in full)])})"


def _order_of(text: str, words: Words) -> _Order:
    votes, year = 0, 0
    for rule, pattern in _patterns(words):
        for match in pattern.finditer(text):
            found = match.groupdict()
            year = year or _full_year(found.get("y") or "")
            if rule == "date_numeric":
                first, second = int(found["a"]), int(found["b"])
                votes += (first > 12 >= second) - (second > 12 >= first)
    day_first = votes > 0 or (votes == 0 and (words.day_first or bool(words.european.search(text))))
    return _Order(day_first, year or _SOME_YEAR)


def _full_year(digits: str) -> int:
    digits = digits.lstrip("'")
    if len(digits) != 2:
        return int(digits or 0)
    return int(digits) + (2000 if int(digits) < _PIVOT else 1900)


def _shifted(match: re.Match[str], words: Words, order: _Order, shift: timedelta) -> str | None:
    """The date of a match, moved, in its own spelling; None where it is no date after all."""
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    if "a" in groups:
        if len(groups.get("y", "1900").lstrip("'")) == 2 and _is_numbering(groups):
            return None
        groups |= _day_and_month(groups, order)
    then = _date_of(groups, words, order)
    if then is None:
        return UNREADABLE if "y" in groups else None
    moved = then + shift
    if not _FIRST_YEAR <= moved.year <= _LAST_YEAR:
        return UNREADABLE
    parts = _parts_of_range(match, groups, words, moved) if "d2" in groups else _parts(groups, words, moved)
    return UNREADABLE if parts is None else _spelled(match, groups, parts)


def _is_numbering(groups: dict[str, str]) -> bool:
    """`1.2.10` is the number of a heading, or a version, and `10 12 14` are sizes, rather than dates."""
    separator = groups["sep"].strip()
    return not separator or (separator == "." and (len(groups["a"]) < 2 or len(groups["b"]) < 2))


def _day_and_month(groups: dict[str, str], order: _Order) -> dict[str, str]:
    first, second = groups["a"], groups["b"]
    day_first = order.day_first or ("." in groups["sep"] and int(first) <= 31)
    if int(first) > 12:
        day_first = True
    elif int(second) > 12:
        day_first = False
    return {"d": first, "m": second, "first": "d"} if day_first else {"d": second, "m": first, "first": "m"}


def _date_of(groups: dict[str, str], words: Words, order: _Order) -> date | None:
    month = int(groups["m"]) if "m" in groups else 7 if "mon" not in groups else words.month_number(groups["mon"])
    no_day = 1 if "m" not in groups and "mon" not in groups else 15
    try:
        return date(_full_year(groups["y"]) if "y" in groups else order.year, month, int(groups.get("d", no_day)))
    except ValueError:
        if "y" not in groups and month == 2 and groups.get("d") == "29":
            return date(_SOME_YEAR, 2, 29)
        return None


def _spelled(match: re.Match[str], groups: dict[str, str], parts: dict[str, str]) -> str:
    """The text of the match with these of its groups replaced."""
    spans = {name: match.span(name) for name in groups if name in match.re.groupindex}
    if "first" in groups:
        spans |= {groups["first"]: match.span("a"), "m" if groups["first"] == "d" else "d": match.span("b")}
    text, (place, end) = match.string, match.span("all")
    pieces = []
    for name, (begin, stop) in sorted(spans.items(), key=lambda item: item[1]):
        if name in parts:
            pieces += [text[place:begin], parts[name]]
            place = stop
    return "".join([*pieces, text[place:end]])


def _parts(groups: dict[str, str], words: Words, moved: date) -> dict[str, str]:
    """Day, month and year of a date, each as long and as cased as it was."""
    padded = _is_padded([groups[name] for name in ("d", "m") if name in groups])
    return {
        "d": f"{moved.day:02d}" if padded else str(moved.day),
        "m": f"{moved.month:02d}" if padded else str(moved.month),
        "mon": words.month_like(groups.get("mon", ""), moved.month),
        "y": _year_like(groups.get("y", ""), moved.year),
        "th": _suffix(groups.get("th", ""), moved.day),
    }


def _parts_of_range(match: re.Match[str], groups: dict[str, str], words: Words, moved: date) -> dict[str, str] | None:
    """The parts of `12-14 March 2021`; where the days fall into two months, each day names its own."""
    days = int(groups["d"]) - int(groups["d2"])
    if days <= 0:
        return None
    first = moved - timedelta(days=days)
    parts = {**_parts(groups, words, moved), "d2": str(first.day)}
    if first.month != moved.month:
        earlier, later = words.month_like(groups["mon"], first.month), parts["mon"]
        if match.start("mon") < match.start("d2"):
            return {**parts, "mon": earlier, "d": f"{later} {parts['d']}"}
        parts["d2"] = f"{first.day} {earlier}"
    return parts


def _is_padded(parts: list[str]) -> bool:
    """Whether days and months of one digit get a zero: as the date itself shows, or as it may have."""
    return any(part.startswith("0") for part in parts) or (len(parts) == 2 and all(len(part) == 2 for part in parts))


def _year_like(old: str, year: int) -> str:
    short = f"{year % 100:02d}"
    return f"'{short}" if old.startswith("'") else short if len(old) == 2 else str(year)


def _suffix(old: str, day: int) -> str:
    if not old or old.lower() == "e":
        return old
    new = "th" if day // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return new.upper() if old.isupper() else new
