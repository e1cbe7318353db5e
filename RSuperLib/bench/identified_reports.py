"""Reports of usual shapes with made-up identifiers in them, and where those stand.

A slot such as `{doctor}` is filled with a made-up value. The families under `HELD_OUT` were written after the rules of
the scrubber were done and never used to improve them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any

from RSuperLib.bench.identifiers import (
    Person,
    draw_address,
    draw_date,
    draw_login,
    draw_number,
    draw_person,
    draw_place,
    full_name,
    reversed_name,
    segment_name,
    short_name,
)  # fmt: skip

_SLOT = re.compile(r"\{(\w+)\}")
_ROLES = ("patient", "doctor", "relative")
_FORMS = ("", "_given", "_last", "_reversed", "_lastfirst", "_short", "_hl7")
#: Slot to the kind under which recall is reported.
KINDS = {
    **dict.fromkeys(("initials", *(role + form for role in _ROLES for form in _FORMS)), "name"),
    **dict.fromkeys(("date", "born"), "date"),
    **dict.fromkeys(("mrn", "accession", "case", "nhs", "bsn", "ssn", "login"), "id"),
    "serial": "device", "phone": "phone", "pager": "phone", "email": "email", "url": "url", "ip": "ip", "age": "age",
    "street": "address", "postcode": "address", "hospital": "institution", "clinic": "institution",
}  # fmt: skip


_TITLES = {
    "patient_title": ("Mr.", "Mrs.", "Ms.", "Mr", "Ms"),
    "patient_title_nl": ("de heer", "mevrouw", "dhr.", "mw."),
}


@dataclass(frozen=True)
class Family:
    """A style of report: lines before the body, sentences that may stand in it, lines after it."""

    language: str
    header: list[str]
    running: list[str]
    tail: list[str]
    shouted: bool = False


@dataclass(frozen=True)
class Identifier:
    """Characters start to end of a report that identify somebody."""

    start: int
    end: int
    kind: str
    slot: str
    culture: str = ""


def _data(file: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((files("RSuperLib.bench") / file).read_text("utf-8"))
    return data


def _families(data: dict[str, Any], name: str) -> dict[str, Family]:
    return {style: Family(**parts) for style, parts in data[name].items()}


_DATA = _data("identified_reports.json")
#: Written before their author saw the rules; half of them were then used to improve those.
_BLIND = _data("identified_styles.json")
FAMILIES = _families(_DATA, "known") | _families(_BLIND, "known")
EARLIER_HELD_OUT = _families(_DATA, "held_out")
HELD_OUT = _families(_BLIND, "held_out")


def draw_body(random: Random, language: str) -> list[str]:
    """Lines of a report that identify nobody."""
    lines = []
    for part in _DATA["body"][language]:
        heading, sentences = part["heading"], part["sentences"]
        chosen = random.sample(sentences, min(len(sentences), random.randint(1, 2)))
        lines.append(f"{heading}: {' '.join(chosen)}" if heading else " ".join(chosen))
    return lines


def draw_report(random: Random, family: Family, body: list[str] | None = None) -> tuple[str, list[Identifier]]:
    """A report of a family with identifiers in its header, its text and its signature, and where they stand."""
    lines = list(body or draw_body(random, family.language))
    for sentence in random.sample(family.running, min(3, len(family.running))):
        place = random.randrange(len(lines))
        lines[place] = f"{lines[place]} {sentence}"
    header = sorted(random.sample(range(len(family.header)), min(6, len(family.header))))
    tail = random.sample(family.tail, min(2, len(family.tail)))
    template = "\n".join([*(family.header[number] for number in header), "", *lines, "", *tail, ""])
    shout = family.shouted
    return _filled(template.upper() if shout else template, random, family.language, shout=shout)


def _filled(template: str, random: Random, language: str, *, shout: bool) -> tuple[str, list[Identifier]]:
    patient = draw_person(random)
    pieces, found, place, length = [], [], 0, 0
    for match in _SLOT.finditer(template):
        slot = match.group(1).lower()
        before = template[place : match.start()]
        person = patient if slot.startswith("patient") else draw_person(random)
        value = _value(slot, person, random, language)
        value = value.upper() if shout else value
        length += len(before)
        if slot in KINDS:
            culture = person.culture if KINDS[slot] == "name" and slot != "initials" else ""
            found.append(Identifier(length, length + len(value), KINDS[slot], slot, culture))
        pieces += [before, value]
        length += len(value)
        place = match.end()
    return "".join([*pieces, template[place:]]), found


def _value(slot: str, person: Person, random: Random, language: str) -> str:
    if slot in _TITLES:
        return random.choice(_TITLES[slot])
    role, _, form = slot.partition("_")
    if role in _ROLES:
        return _name(person, form, random)
    draw: dict[str, Callable[[], str]] = {
        **dict.fromkeys(("date", "born"), lambda: draw_date(random, language)),
        **dict.fromkeys(("street", "postcode", "hospital", "clinic"), lambda: draw_place(slot, random, language)),
        **dict.fromkeys(("email", "url"), lambda: draw_address(slot, random, person)),
        "login": lambda: draw_login(person, random),
    }
    return draw[slot]() if slot in draw else draw_number(slot, random, language)


def _name(person: Person, form: str, random: Random) -> str:
    forms: dict[str, Callable[[], str]] = {
        "": lambda: full_name(person, random),
        "given": lambda: person.given,
        "last": lambda: person.surname,
        "reversed": lambda: reversed_name(person, random),
        "lastfirst": lambda: f"{random.choice((person.surname, person.surname.upper()))} {person.given}",
        "short": lambda: short_name(person, random),
        "hl7": lambda: segment_name(person, random),
    }  # fmt: skip
    return forms[form]()
