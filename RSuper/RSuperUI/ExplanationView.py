"""Why the selected finding was read as it was."""

from __future__ import annotations

from html import escape

import qt
from slicer.i18n import tr as _

from RSuperUI.FindingRow import FindingRow
from RSuperUI.Why import Why

#: From here on a value is as sure as words can make it, and needs no remark.
SURE = 0.9


class ExplanationView:
    """Shows, for one row of the findings table, every value with the report's words and the rule.

    Args:
        browser: the text box for it; hidden while there is nothing to explain.
    """

    def __init__(self, browser: qt.QTextBrowser) -> None:
        self._browser = browser
        self._shown: FindingRow | None = None
        self.show(None)

    def show(self, row: FindingRow | None) -> None:
        """Explain a row; None hides the box."""
        self._browser.visible = row is not None
        if row == self._shown:
            return
        self._shown = row
        self._browser.setHtml("" if row is None else _html(row))


def _html(row: FindingRow) -> str:
    lines = [escape(reason) for reason in row.reasons]
    if row.finding is not None:
        lines.append(f"<i>“{escape(' '.join(row.finding.quote.split()))}”</i>")
        lines += [_line(why) for why in row.finding.whys]
    return "".join(f"<p style='margin-top: 2px; margin-bottom: 2px'>{line}</p>" for line in lines)


def _line(why: Why) -> str:
    words = ", ".join(f"“{escape(word)}”" for word in why.words)
    value = f"<b>{escape(_fieldName(why.field))}: {escape(why.value)}</b>"
    unsure = why.confidence is not None and why.confidence < SURE
    check = f"<b>{escape(_('Please check.'))}</b>" if unsure else ""
    return " ".join(filter(None, (value, words, escape(" ".join(why.rules)), check)))


def _fieldName(field: str) -> str:
    names = {
        "kind": _("Kind"),
        "organ": _("Organ"),
        "laterality": _("Side"),
        "parts": _("Part"),
        "diameters_mm": _("Size (mm)"),
        "prior_mm": _("Before (mm)"),
        "count": _("Number"),
        "attenuation": _("Density"),
        "presence": _("Presence"),
        "temporality": _("Time"),
        "change": _("Change"),
        "image": _("Image"),
    }
    return names.get(field, field)
