"""Made-up identifiers of many shapes, to measure what the scrubber misses.

The scrubber must know none of these names: a test compares them with its word lists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from random import Random
from typing import Any

_DATA: dict[str, Any] = json.loads((files("RSuperLib.bench") / "identifiers.json").read_text("utf-8"))
#: By culture: given names and surnames. People who have such names exist, people of these reports do not.
NAMES: dict[str, dict[str, list[str]]] = _DATA["names"]


@dataclass(frozen=True)
class Person:
    """One made-up person."""

    given: str
    surname: str
    culture: str


def draw_person(random: Random) -> Person:
    """A person of any culture."""
    culture = random.choice(sorted(NAMES))
    return Person(random.choice(NAMES[culture]["given"]), random.choice(NAMES[culture]["surnames"]), culture)


def full_name(person: Person, random: Random) -> str:
    """`Given Surname`, now and then with an initial or an initial only."""
    middle = random.choice("ABDEHJKLMPRSTW")
    styles = (f"{person.given} {person.surname}",) * 3 + (
        f"{person.given} {middle}. {person.surname}",
        f"{person.given[0]}. {person.surname}",
        f"{person.given[0]}.{middle}. {person.surname}",
    )  # fmt: skip
    return random.choice(styles)


def reversed_name(person: Person, random: Random) -> str:
    """`Surname, Given`, as in headers."""
    middle = random.choice(("", "", f" {random.choice('ABDEHJ')}", f" {random.choice('KLMPRS')}."))
    name = f"{person.surname}, {person.given}{middle}"
    return name.upper() if random.random() < 0.4 else name


def short_name(person: Person, random: Random) -> str:
    """Surname with initials and no stops, before or after it."""
    initials = random.choice((person.given[0], person.given[0] + random.choice("ABDEHJKLMPRSTW")))
    return random.choice((f"{initials} {person.surname}", f"{person.surname} {initials}"))


def segment_name(person: Person, random: Random) -> str:
    """A name as a field of an HL7 segment."""
    middle = random.choice(("", "", f"^{random.choice('ABDEHJKLMPRSTW')}"))
    name = f"{person.surname}^{person.given}{middle}"
    return name.upper() if random.random() < 0.6 else name


def draw_login(person: Person, random: Random) -> str:
    """A user's name at a workstation, made of a person's name."""
    letters = "".join(letter for letter in person.surname.lower() if "a" <= letter <= "z") or "someone"
    first = person.given[0].lower() if person.given.isascii() else "x"
    return random.choice((f"{first}{letters}", f"{letters}{first}{random.randrange(10, 99)}", f"{first}.{letters}"))


def draw_date(random: Random, language: str) -> str:
    """A day between 2003 and 2024 in one of the usual spellings."""
    day = date(2003, 1, 1) + timedelta(days=random.randrange(8000))
    return spell_date(day, random.choice(_DATA["date_styles"][language]), language)


def spell_date(day: date, style: str, language: str) -> str:
    """A day in one spelling."""
    month, short = _DATA["months"][language][day.month - 1], _DATA["short_months"][language][day.month - 1]
    suffix = "th" if day.day // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    spelled: str = style.format(d=day.day, m=day.month, y=day.year, yy=day.year % 100, M=month, A=short, th=suffix)
    return spelled


def draw_number(kind: str, random: Random, language: str) -> str:
    """An identifier that is a number or holds one: `#` of its pattern is a digit, `@` a capital, `%` a small letter.

    Raises:
        KeyError: the kind is not known.
    """
    if kind == "age":
        return str(random.randrange(90, 104))
    patterns = _DATA["phones"][language] if kind == "phone" else _DATA["numbers"][kind]
    pattern = random.choice(patterns)
    first = pattern.find("#")
    letters = {"#": "0123456789", "@": "ABDEHJKLMRSTW", "%": "bdhjklmr"}
    drawn = [
        random.choice("123456789" if place == first else letters[sign]) if sign in letters else sign
        for place, sign in enumerate(pattern)
    ]
    return "".join(drawn)


def draw_place(kind: str, random: Random, language: str) -> str:
    """A street, a postcode, a hospital or a clinic.

    Raises:
        KeyError: the kind is not known.
    """
    town, number = random.choice(_DATA["towns"]), random.randrange(1, 900)
    if kind == "hospital":
        hospital: str = random.choice(_DATA["hospitals"][language]).format(town=town)
        return hospital
    if kind == "clinic":
        clinic: str = random.choice(_DATA["clinics"][language]).format(town=town)
        return clinic
    if kind == "street":
        street: str = random.choice(_DATA["streets"][language])
        return street.format(road=random.choice(_DATA["roads"][language]), number=number)
    digits = str(random.randrange(10_000, 99_999))
    code: str = random.choice(_DATA["postcodes"][language])
    return code.format(town=town, digits=digits, four=digits[:4], one=digits[0])


def draw_address(kind: str, random: Random, person: Person) -> str:
    """An e-mail address or a page on the net of a person.

    Raises:
        KeyError: the kind is not known.
    """
    name = "".join(letter for letter in person.surname.lower() if "a" <= letter <= "z") or "someone"
    initial = person.given[0].lower() if person.given.isascii() else "x"
    number = random.randrange(1000, 9999)
    forms = {
        "email": (f"{name}@example.org", f"{initial}.{name}@radiology.example.com"),
        "url": (f"https://portal.example.org/{name}/{number}", f"www.example.com/{name}"),
    }
    return random.choice(forms[kind])
