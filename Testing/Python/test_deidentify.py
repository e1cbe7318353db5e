"""Readings without text, and texts without identifiers."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from RSuperLib.bench.deidentify import over_scrubbing, proportion, same_reading
from RSuperLib.bench.identified_reports import FAMILIES, draw_body, draw_report
from RSuperLib.bench.identifiers import NAMES, spell_date
from RSuperLib.cli import main
from RSuperLib.io.errors import InputError
from RSuperLib.report import read_report
from RSuperLib.report.deidentify import (
    NOTICE,
    SALT_FILE,
    ExportedReading,
    Salt,
    apply_changes,
    marked_text,
    project_salt,
    scrub,
    without_text,
)
from RSuperLib.report.deidentify.words import LANGUAGES, common_words, words_of

SCHEMA = Path(__file__).parents[2] / "Docs" / "schemas" / "exported-reading.schema.json"
SHIFT = timedelta(weeks=-57)
ENGLISH = "The liver is normal and there is no mass in the spleen. "
DUTCH = "De lever is normaal en er is geen massa in de milt. "


def schema_text() -> str:
    return json.dumps(ExportedReading.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def scrubbed(text: str, language: str = "en") -> str:
    """The text after the sentence that tells the language."""
    before = {"en": ENGLISH, "nl": DUTCH}[language]
    result = scrub(before + "\n" + text, SHIFT).text
    assert result.startswith(before)
    return result[len(before) + 1 :]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("CT of 03/14/2021.", "CT of 02/09/2020."),
        ("CT of 3/14/2021.", "CT of 2/9/2020."),
        ("CT of 14.03.2021.", "CT of 09.02.2020."),
        ("CT of 2021-03-14T14:32:00Z.", "CT of 2020-02-09T14:32:00Z."),
        ("CT of March 14th, 2021.", "CT of February 9th, 2020."),
        ("CT of 1 MAR 2021.", "CT of 27 JAN 2020."),
        ("CT of 14Mar2021.", "CT of 9Feb2020."),
        ("CT of 1May2003, 1may2003, 2003May01.", "CT of 28March2002, 28march2002, 2002March28."),
        ("Segment 7 may be cystic.", "Segment 7 may be cystic."),
        ("CT of 03/14/21 at 14:32.", "CT of 02/09/20 at 14:32."),
        ("CT of Mon 12 March.", "CT of Mon 7 February."),
        ("Seen from 28 February-2 March 2021.", "Seen from 26 January-28 January 2020."),
        ("Seen March 12-14, 2021.", "Seen February 7-9, 2020."),
        ("CT in May 2019 and in 2012.", "CT in April 2018 and in 2011."),
        ("CT on 03/04/21 and 13/04/21.", "CT on 29/02/20 and 10/03/20."),
        ("CT of 31/02/2021.", "CT of [DATE]."),
        ("Three weeks ago, yesterday, in 6 months.", "Three weeks ago, yesterday, in 6 months."),
    ],
)
def test_dates_move_in_their_own_spelling(old: str, new: str) -> None:
    assert scrubbed(old) == new


def test_dutch_dates_have_the_day_first() -> None:
    assert scrubbed("CT d.d. 20 maart 2006, van 03-04-2010 ('05).", "nl") == (
        "CT d.d. 14 februari 2005, van 28-02-2009 ('04)."
    )


@settings(deadline=None, max_examples=40)
@given(
    first=st.dates(date(1990, 1, 1), date(2049, 12, 31)),
    days=st.integers(0, 3000),
    style=st.sampled_from(["{m:02}/{d:02}/{y}", "{d} {M} {y}", "{y}-{m:02}-{d:02}", "{M} {d}{th}, {y}"]),
    patient=st.text(max_size=8),
)
def test_intervals_and_weekdays_stay_true_and_dates_possible(first: date, days: int, style: str, patient: str) -> None:
    shift = Salt(b"x" * 32).date_shift(patient)
    second = first + timedelta(days=days)
    # A third date shows the order of day and month, as a report in that style would.
    texts = [spell_date(day, style, "en") for day in (first, second, date(2001, 1, 31))]
    moved = [spell_date(day + shift, style, "en") for day in (first, second)]
    result = scrub(ENGLISH + "CT: " + "; ".join(texts) + ".", shift).text
    assert result.startswith(f"{ENGLISH}CT: {moved[0]}; {moved[1]}; ")
    assert shift.days % 7 == 0
    assert timedelta(weeks=-260) <= shift <= timedelta(weeks=-26)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("MRN: 00123456", "00123456"),
        ("Accession #: CT21-004512", "004512"),
        ("SSN 123-45-6789", "6789"),
        ("NHS No: 943 476 5919", "943"),
        ("Call (555) 123-4567 or pager 4432.", "4567 4432"),
        ("Mail j.quill@example.org, see https://example.org/q", "quill example"),
        ("Host 10.2.3.4", "10.2.3.4"),
        ("Scanner serial number: HX4410", "HX4410"),
        ("DOB: 03/12/1931", "1931"),
        ("A 93-year-old man; a ninety-two-year-old woman.", "93 ninety"),
        ("12 Quarry Lane, Boston, MA 02115", "Quarry Boston 02115"),
        ("Address: anything at all", "anything"),
        ("Imaging from St. Odulf Medical Center.", "Odulf"),
        ("University of Kelmarsh", "Kelmarsh"),
        ("Dr. Brown and Prof. O'Dowd-Iyer agree.", "Brown Dowd Iyer"),
        ("Patient: Quill, Robert J", "Quill Robert"),
        ("Discussed with Ayşe Çelik by telephone.", "Ayşe Çelik"),
        ("DISCUSSED WITH DR. VAN DER MEER AT 3 PM.", "MEER"),
        ("Dictated by: Jane Roe, MD\nJR/mk", "Jane Roe JR mk"),
        ("dr. de vries saw the scan.", "vries"),
        ("Mr. Quill came. The scan of Quill is new.", "Quill"),
        ("Reviewed by Dr Foley. A Foley catheter is seen.", "Dr Foley"),
        ("Zorgcode: Quill, Roberta J.", "Quill Roberta J"),
        ("Sluice | Roberta Quill | 12:40", "Quill Roberta"),
        ("Released: 03/14/2021, Quillby, Roberta", "Quillby Roberta"),
        ("REFERENCE QUILLBY, ROBERTA J 00123456", "QUILLBY ROBERTA"),
        ("VERIFIED QUILLBY ROBERTA 03/14/2021", "QUILLBY ROBERTA"),
        ("Quillby was told of the result.", "Quillby"),
        ("QUILLBY COMPLAINS OF PAIN IN THE RIGHT FLANK.", "QUILLBY"),
        ("Measured by Quillby and again by N'Toolo.", "Quillby Toolo"),
        ("Quillby's sister has a melanoma.", "Quillby"),
        ("PID|1||QUILLBY^ROBERTA||. The scan of Quillby is new.", "QUILLBY ROBERTA Quillby"),
        ("Seen with A. Quillby, B. Toolo and Zander.", "Quillby Toolo Zander"),
        ("User name: rquillby, entered by quillby.r", "quillby"),
        ("Reader initials / site: RQ/mk", "RQ mk"),
        ("Compared with films of Kelmarsh Family Practice, P.C.", "Kelmarsh Family"),
    ],
)
def test_identifiers_go(text: str, gone: str) -> None:
    left = scrubbed(text)
    words = [gone] if gone == "Dr Foley" else gone.split()
    assert not [word for word in words if word in left]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("BSN: 123456782, Patiëntnummer: 4455667", "123456782 4455667"),
        ("Kerkstraat 12a, 1234 AB Utrecht. Tel 030-2512345", "Kerkstraat 1234 Utrecht 2512345"),
        ("Besproken met collega Jansen-Pieters om 14.30 uur.", "Jansen Pieters"),
        ("De heer El Amrani is een 92-jarige man.", "Amrani 92"),
        ("Met vriendelijke groet,\nPieter Bakker, radioloog", "Pieter Bakker"),
        ("Eerder onderzoek in het Erasmus MC.", "Erasmus"),
        ("Aanvrager: dr. M. van 't Hof", "Hof"),
        ("Geachte heer Quillby, beste Roberta,", "Quillby Roberta"),
        ("Quillby klaagt over buikpijn.", "Quillby"),
        ("w.g. R. Quillby", "Quillby"),
    ],
)
def test_dutch_identifiers_go(text: str, gone: str) -> None:
    left = scrubbed(text, "nl")
    assert not [word for word in gone.split() if word in left]


@pytest.mark.parametrize(
    "text",
    [
        "Bosniak IIF cyst, Couinaud segment 7, status post Whipple, Gleason 4+3=7, Krukenberg and Klatskin tumors.",
        "A Foley catheter, Hartmann pouch, Morison pouch, Baker cyst, Virchow node; Hodgkin disease, Child-Pugh B.",
        "2.3 x 1.9 cm, 10-14 mm, -100 to 1,200 HU, levels L2-3 and T11-T12, series 3, image 12/45, BI-RADS 4.",
        "100 mL of Omnipaque 350 at 120 kVp, 18 gauge needle, PSA 12.3, DLP 1234 mGy, stage T2N0M0, LI-RADS 5.",
        "PA PROJECTION. THE MASS WAS SEEN BY ULTRASOUND, WITH CLEAR BOUNDARIES. PATIENT SUPINE, PRIORS REVIEWED.",
        "Segment 7 may represent a cyst. An 89-year-old man. MR Abdomen. 4/5 strength. Grade 3/4.",
    ],
)
def test_clinical_words_and_numbers_stay(text: str) -> None:
    assert scrubbed(text) == text


@pytest.mark.parametrize("number", range(12))
def test_the_reading_is_that_of_the_original(number: int) -> None:
    random = Random(number)  # noqa: S311 - made-up data
    family = FAMILIES[sorted(FAMILIES)[number % len(FAMILIES)]]
    text, _ = draw_report(random, family, draw_body(random, family.language))
    result = scrub(text, SHIFT)
    assert len(result.changes) > 3
    sizes = re.compile(r"\d+(?:\.\d+)?(?: x \d+(?:\.\d+)?)? (?:mm|cm|HU)\b", re.IGNORECASE)
    assert sizes.findall(result.text) == sizes.findall(text)


@pytest.mark.parametrize("number", range(5))
def test_scrubbing_a_phantoms_report_changes_no_finding(number: int) -> None:
    body = "\n".join(draw_body(Random(number), "en"))  # noqa: S311 - made-up data
    text = f"MRN: 44556677\nPatient: Quill, Robert\n{body}\nDictated by: Jane Roe, MD 03/14/2021\n"
    assert same_reading(read_report(text), read_report(scrub(text, SHIFT).text))


@pytest.mark.data
def test_real_reports_keep_their_reading(data_dir: Path) -> None:
    rows = [json.loads(line) for line in (data_dir / "reports" / "reports.jsonl").read_text("utf-8").splitlines()]
    result = over_scrubbing(row["text"] for row in rows[::5])  # the bench takes them all
    assert result["readings_altered"] == 0
    assert result["words"]["share"] < 0.002


def test_changes_say_what_and_where_and_can_be_refused() -> None:
    text = ENGLISH + "Seen by Dr. Quill on 03/14/2021."
    result = scrub(text, SHIFT)
    assert [(one.kind, one.old) for one in result.changes] == [("name", "Quill"), ("date", "03/14/2021")]
    assert all(text[one.start : one.end] == one.old and one.rule for one in result.changes)
    assert "Dr. [-Quill-]{+[NAME]+} on [-03/14/2021-]{+02/09/2020+}." in marked_text(text, result.changes)
    assert "Dr. Quill on 02/09/2020." in apply_changes(text, result.changes[1:])
    with pytest.raises(ValueError, match="another text"):
        apply_changes(text.upper(), result.changes)


@pytest.mark.parametrize(
    "text", ["", "Keine Raumforderung in der Leber, die Nieren sind unauffällig.", "qwertz asdfg yxcvb hjklm " * 5]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        scrub(text, SHIFT)


@settings(deadline=None, max_examples=25)
@given(st.text(alphabet="AaBb .,:/-\n0129'()@#^", max_size=400))
def test_no_text_breaks_it(noise: str) -> None:
    result = scrub(ENGLISH * 8 + noise, SHIFT)
    assert apply_changes(result.original, result.changes) == result.text


@pytest.mark.parametrize(
    "noise", ["1" * 5000, "tel " + "1 " * 2000, "A." * 3000, "van " * 2000, "Roe, " * 2000, "1/" * 3000]
)
def test_long_runs_do_not_hang_it(noise: str) -> None:
    assert scrub(ENGLISH * 40 + noise, SHIFT).language in LANGUAGES


def test_the_salt_is_made_once_and_is_private(tmp_path: Path) -> None:
    salt = project_salt(tmp_path)
    path = tmp_path / SALT_FILE
    assert project_salt(tmp_path) == salt
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [SALT_FILE]
    assert path.read_text().strip() not in repr(salt)
    assert salt.local_id("report", "7") == salt.local_id("report", "7") != salt.local_id("patient", "7")
    path.write_text("short\n")
    with pytest.raises(InputError):
        project_salt(tmp_path)


def test_an_exported_reading_holds_no_text() -> None:
    text = "Dr. Quill: 2.3 cm mass in segment VII, likely a hemangioma. Spleen: Unremarkable."
    reading = read_report(text, "MRN 4711")
    exported = without_text(reading, Salt(b"s" * 32))
    data = exported.model_dump(mode="json")
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(data)
    assert "4711" not in json.dumps(data)
    assert "Quill" not in json.dumps(data)
    assert reading.text_sha256 not in json.dumps(data)
    assert '"text"' not in json.dumps(data)
    finding = exported.findings[0]
    assert (finding.diameters_mm, finding.organ, finding.kind_text) == ([23], "liver", "hemangioma")
    assert text[finding.evidence[0].start : finding.evidence[0].end] == reading.findings[0].evidence[0].text


def test_free_words_of_a_person_are_not_exported() -> None:
    reading = read_report("2.3 cm mass in segment VII of the liver.")
    reading.findings[0].source = "person"
    reading.findings[0].kind_text = "as Dr. Quill said"
    assert without_text(reading, Salt(b"s" * 32)).findings[0].kind_text == ""


def test_the_documented_schema_is_that_of_the_code() -> None:
    assert SCHEMA.read_text("utf-8") == schema_text(), "run: python Testing/Python/test_deidentify.py"


def test_the_scrubber_knows_none_of_the_made_up_names() -> None:
    made_up = {
        part.lower()
        for culture, names in NAMES.items()
        if culture != "words"  # names that are words too, and therefore hard
        for name in [*names["given"], *names["surnames"]]
        for part in name.split()
    }
    made_up -= common_words().particles
    known = set(common_words().eponyms)
    for code in LANGUAGES:
        known |= words_of(code).stop | words_of(code).not_names | words_of(code).ordinary
    assert not made_up & known


def test_wilson_interval() -> None:
    assert proportion(0, 10) == {"n": 10, "share": 0.0, "low": 0.0, "high": 0.2775}
    assert proportion(95, 100)["low"] == pytest.approx(0.8882, abs=1e-4)


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "case.txt"
    path.write_text(ENGLISH + "Seen by Dr. Quill on 03/14/2021.\n", "utf-8")
    return path


def test_preview_writes_nothing(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deidentify", str(report), "--preview"]) == 0
    shown = capsys.readouterr().out
    assert "[-Quill-]{+[NAME]+}" in shown
    assert NOTICE in shown
    assert {path.name for path in report.parent.iterdir()} == {"case.txt", SALT_FILE}


def test_writing_needs_a_yes(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["deidentify", str(report), "--out", "out.txt"]) == 2
    assert not Path("out.txt").exists()
    assert main(["deidentify", str(report), "--out", "out.txt", "--yes", "--patient", "7"]) == 0
    assert "Quill" not in Path("out.txt").read_text("utf-8")
    assert main(["deidentify", str(report), "--out", str(report), "--yes"]) == 2
    assert "Quill" in report.read_text("utf-8")


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("n", False)])
def test_a_person_is_asked(report: Path, monkeypatch: pytest.MonkeyPatch, answer: str, written: bool) -> None:
    terminal = io.StringIO(f"{answer}\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    assert main(["deidentify", str(report), "--out", "out.txt"]) == (0 if written else 130)
    assert Path("out.txt").exists() == written


def test_json_and_attributes_are_for_machines(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deidentify", str(report), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["changes"][0] | {"span": 0} == {"span": 0, "old": "Quill", "new": "[NAME]", "kind": "name",
                                                  "rule": "name_after_title"}  # fmt: skip
    assert main(["deidentify", str(report), "--attributes", "--out", "reading.json"]) == 0
    ExportedReading.model_validate_json(Path("reading.json").read_text("utf-8"))


def test_many_reports_stream_with_one_shift_a_patient(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = report.read_text("utf-8")
    rows = [{"id": key, "patient": "p", "text": text, "note": "Quill"} for key in "ab"]
    rows += [{"id": "c", "text": text}, {"id": "d", "text": "Keine Raumforderung in der Leber, alles unauffällig."}]
    Path("many.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    assert main(["deidentify", "many.jsonl", "--out", "clean.jsonl"]) == 2
    assert not Path("clean.jsonl").exists()
    assert main(["deidentify", "many.jsonl", "--out", "clean.jsonl", "--yes"]) == 0
    assert "3 reports" in capsys.readouterr().out
    done = [json.loads(line) for line in Path("clean.jsonl").read_text("utf-8").splitlines()]
    assert "Quill" not in json.dumps(done)
    assert done[0]["text"] == done[1]["text"] != done[2]["text"]
    assert done[0]["patient"] == done[1]["patient"] not in ("p", done[2]["patient"])
    Path("many.jsonl").write_text("{}", "utf-8")
    assert main(["deidentify", "many.jsonl", "--out", "clean.jsonl", "--yes"]) == 2


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), encoding="utf-8")
