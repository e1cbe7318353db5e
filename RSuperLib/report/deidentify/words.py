"""The words of a language by which identifiers are known, from its data file.

The files hold cues, roles and names of things; no names of people, because a name is known by where it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

#: Languages in which identifiers can be found.
LANGUAGES = ("en", "nl")


@dataclass(frozen=True, eq=False)
class Words:
    """What a data file holds. Patterns are regular expressions in which a blank stands for any white space.

    Attributes:
        months: for each month its full name, then its short forms.
        doubtful_months: names of months that are also other words.
        day_first: whether the day comes before the month unless the report shows otherwise.
        european: what shows that an author writes the day first.
        date_cues: words before a day and month without year.
        month_cues: words before a month alone.
        year_cues: words before a year alone.
        between: words between two days of a range.
        of: what may stand between a day and its month.
        birth: labels of a date of birth.
        ages: patterns of ages, in which group `age` is the number; `tens` and `ones` spell it out.
        id_labels: labels of identifiers; `weak_id_labels` are also used for other things.
        device_labels: labels of serial numbers.
        phone_labels: labels of telephone, fax and pager numbers.
        address_labels: labels after which the rest of the line is an address.
        streets: patterns of street names with house numbers.
        institution_labels: labels after which the rest of the line is an institution.
        institution_nouns: what a hospital is called, after or before its own name.
        titles: forms of address and degrees before a name.
        name_labels: labels of fields that hold a person.
        cues: verbs and nouns of sentences that tell who spoke with whom; `before_names` follow them.
        credentials: degrees and professions after a name.
        kin: relatives.
        closings: what the block of signatures begins with.
        stop: function words, roles, services: never part of a name.
        not_names: words of reports that may begin with a capital letter.
        ordinary: other words of reports and of the language, which only weak evidence for a name must not be.
        person_words: words of a label, or before a name, that tell of a person: "requested", "nurse", "by".
        people_before: those of them that only a person follows.
        person_verbs: what people do and things do not, after a name: "was notified", "complains".
        login_words: words before the name of a user of a computer.
    """

    months: tuple[tuple[str, ...], ...]
    doubtful_months: tuple[str, ...]
    day_first: bool
    european: re.Pattern[str]
    date_cues: str
    month_cues: str
    year_cues: str
    between: str
    of: str
    birth: str
    ages: tuple[str, ...]
    tens: str
    ones: str
    id_labels: str
    weak_id_labels: str
    device_labels: str
    phone_labels: str
    address_labels: str
    streets: tuple[str, ...]
    institution_labels: str
    institution_nouns: str
    titles: str
    name_labels: str
    cues: str
    before_names: str
    credentials: str
    kin: str
    closings: str
    stop: frozenset[str]
    not_names: frozenset[str]
    ordinary: frozenset[str]
    person_words: str
    people_before: str
    person_verbs: str
    login_words: str

    def month_number(self, name: str) -> int:
        """1 to 12."""
        return next(k for k, forms in enumerate(self.months, 1) if name.lower() in (form.lower() for form in forms))

    def month_like(self, old: str, month: int) -> str:
        """The name of a month, short or full and with capitals as `old`."""
        if not old:
            return ""
        forms = self.months[month - 1]
        full = old.lower() in (names[0].lower() for names in self.months)
        new = forms[0] if full else forms[min(1, len(forms) - 1)]
        return new.upper() if old.isupper() else new.lower() if old.islower() else new.capitalize()


@dataclass(frozen=True, eq=False)
class Common:
    """What holds in every language.

    Attributes:
        eponyms: names of people that stand for a sign, an operation, a score or a device.
        particles: small words inside names.
        suffixes: what may follow a name.
        prefixes: first halves of compounds that are no names: "Non-contrast", "Post-operative".
        not_own: words before the name of an institution that are not part of it.
        units: units of measurement.
        states: postal abbreviations of states.
    """

    eponyms: frozenset[str]
    particles: frozenset[str]
    suffixes: frozenset[str]
    prefixes: frozenset[str]
    not_own: frozenset[str]
    units: str
    states: str


@cache
def words_of(code: str) -> Words:
    """The words of one of `LANGUAGES`."""
    data = _data(code)
    values: dict[str, Any] = {"months": tuple(tuple(forms.split("|")) for forms in data.pop("months"))}
    values |= {name: frozenset(" ".join(data.pop(name)).lower().split()) for name in ("stop", "not_names", "ordinary")}
    values |= {name: tuple(data.pop(name)) for name in ("doubtful_months", "ages", "streets")}
    values |= {"day_first": data.pop("day_first"), "european": re.compile(data.pop("european"), re.IGNORECASE)}
    values["ordinary"] |= _reader_words(code)
    values["person_words"] = "|".join(data.pop("person_words").split())
    return Words(**values | {name: _pattern(value) for name, value in data.items()})


def _reader_words(code: str) -> frozenset[str]:
    """Words of four letters and more that the reader of reports knows."""
    folder = files("RSuperLib.report") / "languages" / code
    texts = [path.read_text("utf-8").lower() for path in folder.iterdir() if path.name.endswith(".json")]
    return frozenset(re.findall(r"[^\W\d_]{4,}", " ".join(texts)))


@cache
def common_words() -> Common:
    """The words of every language."""
    data = _data("common")
    sets = ("eponyms", "particles", "suffixes", "prefixes", "not_own")
    values: dict[str, Any] = {name: frozenset(" ".join(data.pop(name)).lower().split()) for name in sets}
    return Common(**values | {name: _pattern(value) for name, value in data.items()})


def alternatives(names: Iterable[str]) -> str:
    """A pattern of any of these words, the longest first."""
    return "|".join(re.escape(name) for name in sorted(set(names), key=lambda name: (-len(name), name)))


def _data(name: str) -> dict[str, Any]:
    path = files("RSuperLib.report.deidentify") / "data" / f"{name}.json"
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data


def _pattern(value: str | list[str]) -> str:
    joined = value if isinstance(value, str) else "|".join(value)
    return joined.replace(" ?", r"\s*").replace(" ", r"\s+")
