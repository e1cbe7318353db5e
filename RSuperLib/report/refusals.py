"""Why a text is not read, as sentences for a person."""

from __future__ import annotations

import re

#: A report is a few thousand characters; what is longer is something else, or many reports.
LONGEST_REPORT = 100_000
_NOT_TEXT = re.compile("[\0\ud800-\udfff\ufffd]")


def why_unreadable(text: str) -> str:
    """Why a text cannot be a report, as a sentence; "" when it can."""
    if not text.strip():
        return "The report is empty."
    if _NOT_TEXT.search(text):
        return "The report is not a text."
    if len(text) > LONGEST_REPORT:
        return f"The report is longer than {LONGEST_REPORT:,} characters, which no single report is."
    return ""


def not_supported(code: str) -> str:
    """Why a text in the language `code` ("" = one that could not be told) is not read."""
    named = f"in a language that is not supported ({code})" if code else "in no language that could be recognised"
    return f"The report is written {named}."


def several_reports() -> str:
    """Why a text in which a second report begins after the end of a first one is not read."""
    return "The text holds more than one report; give each on its own."


def two_languages(code: str, other: str) -> str:
    """Why a text that is mainly in the language `code`, but in large part in another, is not read."""
    return f"The report is written in more than one language ({code} and {other})."


def too_many_lesions(most: int) -> str:
    """Why a text with more than `most` lesions is not read."""
    return f"The text describes more than {most} lesions, so it is not one report."


def too_slow(seconds: float) -> str:
    """Why a text on which the reader worked for `seconds` is not read."""
    return f"Reading the report took longer than {seconds:g} seconds, which no usual report does."
