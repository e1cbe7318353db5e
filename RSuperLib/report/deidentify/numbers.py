"""Identifiers that have a form of their own or a label before them: numbers, addresses of the net, ages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from RSuperLib.report.deidentify.changes import Change, Kind, change
from RSuperLib.report.deidentify.shapes import is_strange
from RSuperLib.report.deidentify.words import Words

#: Ages above this one are identifying in themselves (45 CFR 164.514(b)(2)(i)(C)).
OLDEST_AGE = 89
_OLD = ">89"
_LABEL_END = r"\.?(?:\s*(?:(?:[:=#]\s*){1,2}|\bis\b|no\.?:|number:)\s*|\s+#?\s*|\s*-\s+)"
#: A value with a digit in it: groups of letters and digits with signs between them, or of digits with blanks.
_VALUE = (
    r"(?P<all>(?=[\w./^-]*\d)(?:[A-Z]{1,4}[ -])?[A-Za-z0-9]+(?:[-/._^][A-Za-z0-9]+)*(?:\s\d{3,}(?!\s?(?:mm|cm|ml)))*)"
)
#: `jroe`, `j.roe`, `roej12`.
_LOGIN = r"(?P<all>(?:[^\W\d_]{1,3}[._-])?[^\W\d_]{4,}\d{0,4}|[^\W\d_]{2,}\d{2,})(?![\w@-])"
_UNLABELLED: tuple[tuple[str, Kind, str], ...] = (
    ("email", "email", r"(?<![\w.+-])(?P<all>[\w.+'-]+@[\w-]+(?:\.[\w-]+)+)"),
    ("url", "url", r"(?<!\w)(?P<all>(?:https?|ftp)://[^\s<>()]+|www\.[\w-]+\.[^\s<>()]+"
                   r"|(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|edu|gov|nl|be|de|co\.uk|nhs\.uk|eu)(?:/[^\s<>()]*)?)(?!\w)"),
    ("ip", "other", r"(?<![\d.])(?P<all>(?:\d{1,3}\.){3}\d{1,3})(?![\d.]\d)"),
    ("ipv6", "other", r"(?<![\w:])(?P<all>(?:[0-9a-fA-F]{1,4}:){4,7}[0-9a-fA-F]{1,4})(?![\w:])"),
    ("uid", "id", r"(?<![\d.])(?P<all>[0-2](?:\.\d+){5,})(?![\d.]\d)"),
    ("person_name_dicom", "name", r"(?<!\w)(?P<all>[^\W\d_][\w'-]*\^[^\s|;,]+)"),
    ("ssn", "id", r"(?<![\d-])(?P<all>\d{3}-\d{2}-\d{4})(?![\d-])"),
    ("groups", "id", r"(?<![\w.,/-])(?P<all>(?=(?:-?\d){7})\d{2,4}(?:-\d{2,4}){2,3})(?![\w-])"),
    ("phone_us", "phone", r"(?<![\w.-])(?P<all>(?:\+?1[ .-]?)?(?:\(\d{3}\)\s?|\d{3}[.\s-])\d{3}[.-]\d{4}"
                          r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?)(?![\d-])"),
    ("phone_international", "phone", r"(?<![\w-])(?=\+?(?:[ .()-]{0,2}\d){9})"
                                    r"(?P<all>(?:\+|00)[1-9]\d{0,2}(?:[\s.-]?\(?\d{1,4}\)?){2,6})(?![\d-])"),
    ("phone_trunk", "phone", r"(?<![\w.,-])(?P<all>\(?0\d{1,4}\)?[\s-]\d{3,4}[\s-]?\d{3,4}|06[\s-]?(?:\d{2}\s?){4}"
                             r"|\(?0\d{1,3}\)?[\s-](?:\d{2,3}[\s-]?){2,4}\d{2})(?![\d-])"),
    ("extension", "phone", r"(?<![\w.])(?<!\d )(?P<all>x\d{4,6})(?!\w)"),
    ("ten_digits", "id", r"(?<![\w.-])(?P<all>\d{3}[ -]\d{3}[ -]\d{4})(?![\d-])"),
    ("long_number", "id", r"(?<![\w.,])(?P<all>\d{6,}(?:-\d+)*)(?!\w)(?![.,]\d)"),
    ("code", "id", r"(?<![\w.-])(?P<all>(?!(?:IM|IMG|SE|SER)\d)(?:[A-Z]{1,5}-?\d{5,}(?:-\w+)*"
                   r"|[A-Z]{0,4}\d{2,4}-[A-Z]{0,3}-?\d{4,}(?:-\d+)*|\d{2,4}[A-Z]{1,3}\d{4,}|[A-Z]{1,4}-\d{2,4}-\d{3,}))(?!\w)"),
)  # fmt: skip


def labelled_changes(text: str, words: Words) -> Iterator[Change]:
    """Numbers and dates of birth that a label gives away."""
    for rule, kind, pattern in _labelled(words):
        for match in pattern.finditer(text):
            yield change(text, match.span("all"), f"[{_PLACEHOLDER.get(rule, kind.upper())}]", kind, rule)


def form_changes(text: str) -> Iterator[Change]:
    """What is an identifier by its form, wherever it stands."""
    for rule, kind, pattern in _forms():
        for match in pattern.finditer(text):
            if _is_such(rule, match["all"]):
                yield change(text, match.span("all"), f"[{kind.upper()}]", kind, rule)


def age_changes(text: str, words: Words) -> Iterator[Change]:
    """Ages above 89 become `>89`; younger ones stay."""
    for pattern in _ages(words):
        for match in pattern.finditer(text):
            if not match["age"].isdigit() or OLDEST_AGE < int(match["age"]) <= 125:
                span = match.span("age") if match["age"].isdigit() else match.span()
                yield change(text, span, _OLD, "age", "age_over_89")


def login_changes(text: str, words: Words) -> Iterator[Change]:
    """Names of users of a computer, after a word for them."""
    for match in _logins(words).finditer(text):
        value = match["all"]
        if value.islower() and (re.search(r"[\d._]", value) or is_strange(value, words)):
            yield change(text, match.span("all"), "[ID]", "id", "login")


_PLACEHOLDER = {"birth": "DATE OF BIRTH"}


@cache
def _labelled(words: Words) -> tuple[tuple[str, Kind, re.Pattern[str]], ...]:
    start = r"(?<![\w-])"
    after = r"(?=\s*(?:$|[\n|;()\t]|\s{2}|,\s*[A-Za-z]|\s+[^\W\d_]{2,}\s*[:#]|\.\s))"
    dated = rf"(?P<all>(?=[^\n|;]{{0,20}}\d)[^\n|;()\t]{{4,30}}?){after}"
    phone = r"(?P<all>\+?(?:\(?\d{1,5}\)?[ ./-]{0,2}){1,7}\d{2,}(?:\s?(?:x|ext\.?)\s?\d+)?)"
    sign = r"\s*(?:[:=#]\s*#?|\bno\.?\s|\bnr\.?\s|\bnumber\s)\s*"
    link = r"\.?\s*(?:[:=#]|\bat\b|\bop\b|\bis\b)?\s*#?"
    weak = r"(?P<all>(?=(?:[\w/-]*\d){4})[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*)(?![\w,.]\d)"
    rules: list[tuple[str, Kind, str]] = [
        ("birth", "date", rf"{start}(?:{words.birth})\s*[:=]?\s*{dated}"),
        ("device", "device", rf"{start}(?:{words.device_labels}){_LABEL_END}{_VALUE}"),
        ("id_labelled", "id", rf"{start}(?:{words.id_labels}){_LABEL_END}{_VALUE}"),
        ("id_weak_label", "id", rf"{start}(?:{words.weak_id_labels}){sign}{weak}"),
        ("phone_labelled", "phone", rf"{start}(?:{words.phone_labels}){link}{phone}"),
        ("hash", "id", r"(?<!\w)#\s?(?P<all>\d{4,}[\w-]*)"),
    ]  # fmt: skip
    return tuple((rule, kind, re.compile(spelling, re.IGNORECASE)) for rule, kind, spelling in rules)


@cache
def _logins(words: Words) -> re.Pattern[str]:
    more = rf"(?:[ ](?:{words.login_words}|by|door))*"
    return re.compile(rf"(?<!\w)(?:{words.login_words}){more}[ ]?[:=]?[ ]+{_LOGIN}", re.IGNORECASE)


@cache
def _forms() -> tuple[tuple[str, Kind, re.Pattern[str]], ...]:
    return tuple((rule, kind, re.compile(spelling)) for rule, kind, spelling in _UNLABELLED)


@cache
def _ages(words: Words) -> tuple[re.Pattern[str], ...]:
    spelled = rf"(?<!\w){words.tens}{words.ones}"
    return tuple(re.compile(spelling, re.IGNORECASE) for spelling in (*words.ages, spelled))


def _is_such(rule: str, value: str) -> bool:
    check = _CHECKS.get(rule)
    return check is None or check(value)


def _is_address(value: str) -> bool:
    return all(int(part) < 256 for part in value.split("."))


_CHECKS: dict[str, Callable[[str], bool]] = {"ip": _is_address}
