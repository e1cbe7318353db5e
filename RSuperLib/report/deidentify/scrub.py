"""Hide what identifies a patient in the text of a report. Helps a person do it; it is no certified anonymiser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from RSuperLib.io.errors import InputError
from RSuperLib.report.deidentify.changes import Change, apply_changes, settle
from RSuperLib.report.deidentify.dates import date_changes
from RSuperLib.report.deidentify.keep import clinical_spans
from RSuperLib.report.deidentify.names import name_changes
from RSuperLib.report.deidentify.numbers import age_changes, form_changes, labelled_changes, login_changes
from RSuperLib.report.deidentify.places import place_changes
from RSuperLib.report.deidentify.words import LANGUAGES, Words, words_of
from RSuperLib.report.language import detect_language
from RSuperLib.report.normalise import normalise
from RSuperLib.report.refusals import why_unreadable

#: Rules that know an identifier by its form alone: where a measurement stands, they are wrong.
_BY_FORM = frozenset(
    {"code", "long_number", "ten_digits", "phone_trunk", "phone_international", "postcode_nl", "hash", "ip", "uid",
     "date_after_cue", "date_in_brackets", "date_year", "date_month_of_year", "name_again", "groups",
     "name_by_shape", "name_in_field", "name_before_verb", "name_after_person", "name_beside_name",
     "name_after_relative", "model"}
)  # fmt: skip


@dataclass(frozen=True)
class Scrubbed:
    """A text without identifiers, as far as the rules know them, and every change that was made.

    Attributes:
        original: the text as it was.
        text: the text with all changes made.
        changes: what was changed, in text order, without overlaps.
        language: two-letter code.
    """

    original: str
    text: str
    changes: tuple[Change, ...]
    language: str


def scrub(text: str, shift: timedelta, more: Iterable[Change] = ()) -> Scrubbed:
    """Hide the identifiers in a report.

    Args:
        text: the report as pasted.
        shift: by how much all dates move (`Salt.date_shift` of the patient).
        more: what a second finder found in the same text (`TokenTagger.changes`); joined with what the rules find.

    Raises:
        InputError: the text is no report, or in a language whose identifiers are not known.
    """
    language = _language(text)
    words = words_of(language)
    kept = clinical_spans(text)
    plain = [one for one in _without_names(text, words, shift) if not _is_clinical(one, kept)]
    names = name_changes(text, words, plain)
    ranked = [*plain, *(one for one in [*names, *more] if not _is_clinical(one, kept))]
    changes = settle(text, ranked)
    return Scrubbed(text, apply_changes(text, changes), tuple(changes), language)


def _language(text: str) -> str:
    if reason := why_unreadable(text):
        raise InputError(reason, "Give the text of one report.")
    code = detect_language(normalise(text))
    if code not in LANGUAGES:
        named = f"in a language without rules for identifiers ({code})" if code else "in no language that is recognised"
        raise InputError(f"The report is written {named}.", "Export its attributes only, without text (--attributes).")
    return code


def _without_names(text: str, words: Words, shift: timedelta) -> Iterator[Change]:
    """All that the rules find but names; where two overlap, the earlier wins."""
    yield from labelled_changes(text, words)
    yield from sorted(date_changes(text, words, shift), key=lambda one: one.start - one.end)  # the longest first
    yield from form_changes(text)
    yield from age_changes(text, words)
    yield from login_changes(text, words)
    yield from place_changes(text, words)


def _is_clinical(one: Change, kept: list[tuple[int, int]]) -> bool:
    return one.rule in _BY_FORM and any(start < one.end and one.start < end for start, end in kept)
