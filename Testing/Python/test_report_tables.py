"""The published tables: exact columns and values, nothing lost on the way there and back, clear errors."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from RSuperLib.cli import main
from RSuperLib.io.errors import InputError
from RSuperLib.report import Evidence, Finding, OrganStatus, Reading, read_report
from RSuperLib.report.schema import Attenuation
from RSuperLib.report.tables import (
    CtIds,
    CtOrgan,
    TableCase,
    ct_row,
    read_ct_table,
    read_tumour_table,
    write_ct_table,
    write_tumour_table,
)  # fmt: skip
from RSuperLib.report.tables import columns as c
from RSuperLib.report.tables.cells import as_written, harmless, items_of, list_text
from RSuperLib.report.tables.left_out import why_left_out
from RSuperLib.report.tables.tumours import published_cells, tumour_rows
from RSuperLib.report.tables.values import organ_of

#: The header of the published files, as listed in their description.
PER_TUMOUR = """Encrypted Accession Number, Tumor ID, Organ, Tumor Type, Tumor Location, Tumor Size (mm),
Tumor Attenuation, Type Certainty, DNN Answer, Report, BDMAP ID, Standardized Organ, Standardized Location,
Standardized Attenuation, Unknow Tumor Size, no lesion, malignancy, metastasis, Series, Image"""
PER_CT_ORGANS = """liver pancreatic kidney colon esophagus uterus spleen pelvis adrenal_gland bladder gallbladder breast
stomach lung bone prostate duodenum"""


def raw(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, *readings: Reading, **options: Any) -> list[dict[str, str]]:
    write_tumour_table(path, ((reading, "") for reading in readings), CtIds(), **options)
    return raw(path)


def reading_of(text: str, name: str = "a") -> Reading:
    return read_report(text, name)


def finding(**values: Any) -> Finding:
    words = Evidence(start=0, end=1, text="x")
    return Finding(**{"lesion_id": "lesion 1", "organ": "liver", "evidence": [words], **values})


def reading(*findings: Finding, **values: Any) -> Reading:
    return Reading(**{"id": "a", "findings": list(findings), **values})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "tumours.csv"


def test_the_columns_are_those_of_the_published_files() -> None:
    assert list(c.TUMOUR_COLUMNS) == [name.strip() for name in PER_TUMOUR.replace("\n", " ").split(",")]
    words = [name.replace("_", " ") for name in PER_CT_ORGANS.split()]
    places = {"liver": "1-8", "pancreatic": "head, body, tail", "kidney": "left, right"}
    expected = ["Encrypted Accession Number", "BDMAP ID"]
    for word in words:
        expected += [f"number of {word} lesion instances", f"largest {word} lesion diameter (cm)"]
        expected += [f"largest {word} lesion location ({places[word]})"] if word in places else []
    assert list(c.CT_COLUMNS) == [*expected, "no lesion"]
    for ours in (*c.EXTRA_TUMOUR_COLUMNS, *c.EXTRA_CT_COLUMNS):
        assert ours.startswith("rsuper ") or ours in ("malignancy", "metastasis")


def test_the_columns_are_those_that_were_measured_in_the_published_files(data_dir: Path) -> None:
    headers = json.loads((data_dir.parent / "golden" / "csv_headers.json").read_text("utf-8"))
    named = {name.split(",")[0].split(" ")[0]: columns for name, columns in headers.items()}
    assert list(c.CT_COLUMNS) == named["per_ct"]
    written = headers["per_tumour, as written by extraction"] + headers["per_tumour, added by standardisation"]
    assert list(c.TUMOUR_COLUMNS) == written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Liver: 2.3 x 1.9 cm hypodense mass in segment 4/5", ("liver", "segment 4 / segment 5", "low", "23.0 x 19.0")),
        ("Liver: 2.3 cm heterogeneous mass in segment VII.", ("liver", "segment 7", "heterogeneous", "23.0")),
        ("Liver: 12 mm cyst in segment IVb.", ("liver", "segment 4", "u", "12.0")),
        ("Liver: 12 mm hyperenhancing lesion.", ("liver", "u", "high", "12.0")),
        ("Pancreas: 31 x 20 x 15 mm mass in the uncinate process.", ("pancreas", "head", "u", "31.0 x 20.0 x 15.0")),
        ("Pancreas: 12 mm cyst in the head and body.", ("pancreas", "body / head", "u", "12.0")),
        ("There is a 15 mm isodense mass in the left kidney.", ("kidney", "left", "iso", "15.0")),
        ("There is a 15 mm nodule in the right adrenal gland.", ("adrenal gland", "right", "u", "15.0")),
        ("There is a 15 mm nodule in the right lower lobe.", ("lung", "", "u", "15.0")),
        ("There is a mass in the spleen.", ("spleen", "", "u", "u")),
        ("There is a mass of up to 2 cm in the spleen.", ("spleen", "", "u", "u")),
        ("There is a 2-3 cm mass in the spleen.", ("spleen", "", "u", "u")),
    ],
)  # fmt: skip
def test_values_are_mapped_down(text: str, expected: tuple[str, ...], table: Path) -> None:
    (row,) = write(table, reading_of(text))
    columns = (c.ORGAN, c.LOCATION, c.ATTENUATION, c.SIZE)
    assert tuple(row[column] for column in columns) == expected
    assert row[c.UNKNOWN_SIZE] == ("yes" if row[c.SIZE] == "u" else "no")
    assert (row[c.TUMOUR_ID], row[c.NO_LESION]) == ("tumor 1", "False")
    assert row["DNN Answer"] == row["Report"] == ""


def test_the_words_of_the_report_stay_out_unless_they_are_given(table: Path) -> None:
    text = "Findings: There is a 15 mm mass in the left kidney, seen by Dr. Abel."
    write(table, reading_of(text))
    assert "Abel" not in table.read_text("utf-8")
    write_tumour_table(table, [(reading_of(text), text)], CtIds())
    (case,) = read_tumour_table(table)
    assert raw(table)[0]["Report"] == text
    assert case.lesions[0].evidence == reading_of(text).findings[0].evidence


def test_what_is_wider_stands_in_our_columns(table: Path) -> None:
    (row,) = write(table, reading_of("A fluid-attenuating lesion of 2-3 cm in the upper pole of the left kidney."))
    own = {
        name: row[c.own_column(name)] for name in ("attenuation", "size_kind", "size_min_mm", "size_max_mm", "parts")
    }
    assert own == {
        "attenuation": "fluid", "size_kind": "range", "size_min_mm": "20.0", "size_max_mm": "30.0",
        "parts": "upper pole",
    }  # fmt: skip
    assert (row[c.ATTENUATION], row["Tumor Location"]) == ("low", "left, upper pole")


def sizes(*findings: Finding) -> list[str]:
    return [row[c.SIZE] for row in tumour_rows(reading(*findings), "BDMAP_00000001")]


GROUP: dict[str, Any] = {"multiplicity": "multiple", "count_kind": "exact"}


def test_groups_become_as_many_rows_as_are_counted() -> None:
    measured = {"diameters_mm": [32, 21], "size_kind": "exact"}
    assert sizes(finding(**GROUP, count=3, **measured)) == ["32.0 x 21.0", "u", "u"]
    assert sizes(finding(multiplicity="multiple", **measured)) == ["32.0 x 21.0", "multiple"]
    assert sizes(finding(multiplicity="multiple", count=4, count_kind="at_least")) == ["multiple"]
    assert sizes(finding(**GROUP, count=40, **measured)) == ["32.0 x 21.0", "multiple"]
    assert sizes(finding(multiplicity="multiple", size_kind="upper_bound", diameters_mm=[20])) == ["20.0", "multiple"]


def test_one_unknown_size_marks_its_organ_and_no_other(table: Path) -> None:
    known: dict[str, Any] = {"diameters_mm": [5], "size_kind": "exact"}
    rows = write(table, reading(finding(**known), finding(), finding(organ="spleen", **known)))
    marks = [(row[c.ORGAN], row[c.UNKNOWN_SIZE]) for row in rows]
    assert marks == [("liver", "yes"), ("liver", "yes"), ("spleen", "no")]


def lesion_at(segment: int | None, **values: Any) -> Finding:
    masks = [f"liver_segment_{segment}"] if segment else ["liver"]
    return finding(organ_masks=masks, diameters_mm=[9], size_kind="exact", **values)


def test_at_most_ten_rows_hang_together_and_fifteen_are_of_one_ct(table: Path) -> None:
    in_one = [lesion_at(7) for _ in range(12)]
    rows = write(table, reading(*in_one, lesion_at(2), finding(organ="kidney", laterality="left")))
    assert [row[c.LOCATION] for row in rows] == ["segment 7"] * 10 + ["segment 2", "left"]
    assert {row[c.UNKNOWN_SIZE] for row in rows if row[c.ORGAN] == "liver"} == {"yes"}
    spread = [lesion_at(number % 8 + 1) for number in range(30)]
    rows = write(table, reading(*spread, finding(organ="kidney", laterality="left")))
    assert [row[c.TUMOUR_ID] for row in rows] == [f"tumor {number}" for number in range(1, 16)]
    assert rows[-1][c.ORGAN] == "kidney", "an organ that loses all its rows would be taught as healthy"
    left_out = raw(table.with_name("tumours.left_out.csv"))
    assert len(left_out) == 16
    assert {row["reason"] for row in left_out} == {"more than 15 rows, or 10 of one region"}


def test_a_region_is_what_shares_segments() -> None:
    joined = finding(organ_masks=["liver_segment_4", "liver_segment_5"], diameters_mm=[9], size_kind="exact")
    lesions = [lesion_at(4)] * 5 + [joined] + [lesion_at(5)] * 6
    assert len(sizes(*lesions)) == 10
    assert len(sizes(*[lesion_at(4)] * 6, *[lesion_at(5)] * 6)) == 12


def test_a_full_table_shortens_groups_before_it_leaves_lesions_out() -> None:
    group = finding(**GROUP, count=10, diameters_mm=[9], size_kind="exact", organ_masks=["liver_segment_1"])
    other = group.model_copy(update={"organ_masks": ["liver_segment_2"]})
    assert sizes(group, other) == ["9.0", *["u"] * 9, "9.0", "multiple"]


def test_silence_is_not_no_lesion(table: Path) -> None:
    clear = reading_of("The liver is normal.", "clear")
    silent = reading_of("Images of the upper abdomen were obtained on the scanner for this patient.", "silent")
    unread = reading_of("Keine Raumforderung in der Leber, die Nieren sind unauffällig.", "unread")
    assert (silent.status, unread.status) == ("read", "not_read")
    rows = write(table, clear, silent, unread)
    assert [(row[c.ACCESSION], row[c.TUMOUR_ID], row[c.NO_LESION], row[c.ORGAN]) for row in rows] == [
        ("clear", "no lesion", "True", "")
    ]
    assert [row["Encrypted Accession Number"] for row in raw(table.with_name("tumours.left_out.csv"))] == [
        "silent",
        "unread",
    ]
    (case,) = read_tumour_table(table)
    assert case.no_lesion
    assert [(organ.organ, organ.status) for organ in case.organs] == [("liver", "normal")]


def test_only_current_lesions_have_rows(table: Path) -> None:
    others = [{"presence": "absent"}, {"presence": "unlikely"}, {"temporality": "prior"}, {"temporality": "resected"}]
    rows = write(table, reading(*(finding(**other) for other in others), finding(presence="possible", organ="spleen")))
    assert [row[c.ORGAN] for row in rows] == ["spleen"]


def test_malignancy_and_metastasis() -> None:
    def both(**values: Any) -> tuple[str, str]:
        cells = published_cells(finding(**values))
        return cells["malignancy"], cells["metastasis"]

    assert both(is_metastasis=True) == ("yes", "yes")
    assert both(malignancy="malignant") == ("yes", "no")
    assert both(malignancy="benign") == ("no", "no")
    assert both(malignancy="indeterminate") == ("u", "u")


def test_organs_are_spelled_as_the_table_or_as_the_training_code_has_them(table: Path) -> None:
    lesion = reading(finding(organ="adrenal", laterality="left"))
    assert write(table, lesion)[0][c.ORGAN] == "adrenal gland"
    assert write(table, lesion, underscores=True)[0][c.ORGAN] == "adrenal_gland"
    (case,) = read_tumour_table(table)
    assert case.lesions[0].organ == "adrenal"
    for spelling in ("adrenal gland", "adrenal_gland", "Adrenal Gland", "adrenal"):
        assert organ_of(spelling) == "adrenal"
    assert (organ_of("gall bladder"), organ_of("bladder"), organ_of("pancreatic")) == (
        "gallbladder",
        "bladder",
        "pancreas",
    )
    assert organ_of("nonsense") is None


# ids


def test_ids_that_are_none_of_theirs_get_one_and_a_table_says_which(tmp_path: Path) -> None:
    ids = CtIds()
    ids.reserve(["x", "BDMAP_90000001", "PanTS_00000003"])
    assert [ids.of(name) for name in ("x", "BDMAP_90000001", "PanTS_00000003", "y", "x")] == [
        "BDMAP_90000002", "BDMAP_90000001", "PanTS_00000003", "BDMAP_90000003", "BDMAP_90000002",
    ]  # fmt: skip
    assert ids.differ
    path = tmp_path / "ids.csv"
    ids.write(path)
    again = CtIds(path)
    assert [again.of(name) for name in ("y", "z", "x")] == ["BDMAP_90000003", "BDMAP_90000004", "BDMAP_90000002"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,BDMAP_1", "Row 2 of ids.csv: 'BDMAP ID' is not BDMAP_ and eight digits"),
        (",BDMAP_00000001", "'Encrypted Accession Number' is empty"),
        ("a,BDMAP_00000001\nb,BDMAP_00000001", "Row 3 .* earlier row"),
        ("a,BDMAP_00000001\na,BDMAP_00000002", "Row 3 .* earlier row"),
    ],
)
def test_a_table_of_ids_that_is_wrong_is_refused(rows: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(f"Encrypted Accession Number,BDMAP ID\n{rows}\n")
    with pytest.raises(InputError, match=words):
        CtIds(path)


# there and back

_WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_MASKS = ["liver_segment_4", "liver_segment_5", "pancreas_head", "liver"]
_MM = st.floats(0.001, 1000, allow_nan=False).map(lambda value: float(f"{value:.7g}"))


def _values(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(Finding.model_fields[name].annotation.__args__))  # type: ignore[union-attr]


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    start = draw(st.integers(0, 500))
    words = draw(_WORDS.filter(bool))
    return Finding(
        lesion_id=draw(_WORDS), organ=draw(_values("organ")), parts=draw(st.lists(_WORDS, max_size=3)),
        organ_masks=draw(st.lists(st.sampled_from(_MASKS), unique=True)),
        laterality=draw(st.sampled_from(["left", "right", "bilateral", "midline", None])),
        count=draw(st.none() | st.integers(1, 999)), count_kind=draw(_values("count_kind")),
        multiplicity=draw(_values("multiplicity")), diameters_mm=draw(st.lists(_MM, max_size=3)),
        size_kind=draw(_values("size_kind")), size_min_mm=draw(st.none() | _MM), size_max_mm=draw(st.none() | _MM),
        attenuation=draw(st.none() | st.sampled_from(get_args(Attenuation))),
        kind=draw(_values("kind")), kind_text=draw(_WORDS), malignancy=draw(_values("malignancy")),
        is_metastasis=draw(st.booleans()), presence=draw(_values("presence")),
        type_certainty=draw(_values("type_certainty")),
        temporality=draw(_values("temporality")), prior_mm=draw(st.lists(_MM, max_size=2)),
        change=draw(_values("change")),
        series=draw(st.none() | st.integers(0, 999)), image=draw(st.none() | st.integers(0, 999)),
        evidence=[Evidence(start=start, end=start + len(words), text=words, section=draw(_WORDS.map(str.strip)))],
        source=draw(_values("source")), rule_ids=draw(st.lists(_WORDS, max_size=2)),
        field_confidence=draw(st.dictionaries(_WORDS, st.floats(0, 1), max_size=2)),
        flags=draw(st.lists(_WORDS, max_size=2)),
        reviewed_by_user=draw(st.booleans()),
    )  # fmt: skip


_STATEMENTS = st.builds(
    OrganStatus,
    organ=st.sampled_from(["liver", "kidney", "upper_abdomen", "lymph_node"]),
    status=st.sampled_from(["normal", "no_lesion", "absent", "lesion"]),
    laterality=st.sampled_from(["left", "bilateral", None]),
    region=st.sampled_from([None, "mediastinal, hilar"]),
)
_SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_IDS = _WORDS.filter(lambda text: text.strip() != "")


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    names = draw(st.lists(_IDS, max_size=3, unique_by=str.strip))
    return [
        Reading(
            id=name, findings=draw(st.lists(findings(), max_size=4)), organs=draw(st.lists(_STATEMENTS, max_size=2))
        )
        for name in names
    ]


def as_lesion(one: Finding) -> dict[str, Any]:
    values = one.model_dump(exclude={"evidence", "field_evidence", "spans"})
    return {**values, "spans": [(span.start, span.end, span.section) for span in one.evidence]}


def lesions_of(case: TableCase) -> list[dict[str, Any]]:
    return [
        {
            **lesion.model_dump(exclude={"evidence", "field_evidence", "spans"}),
            "spans": [(span.start, span.end, span.section) for span in lesion.spans],
        }
        for lesion in case.lesions
    ]


def kept_lesions(path: Path, one: Reading) -> list[Finding]:
    numbers = {row[c.FINDING] for row in raw(path) if as_written(row[c.ACCESSION]) == one.id}
    return [lesion for number, lesion in enumerate(one.lesions, start=1) if str(number) in numbers]


def check_there_and_back(path: Path, chosen: list[Reading]) -> None:
    written = write_tumour_table(path, ((one, "") for one in chosen), CtIds())
    cases = {case.id: case for case in read_tumour_table(path)}
    assert len(cases) == written.cases
    kept = 0
    for one in chosen:
        if one.id not in cases:
            assert one.status == "not_read" or not one.lesions
            continue
        case, lesions = cases[one.id], kept_lesions(path, one)
        assert lesions_of(case) == [as_lesion(lesion) for lesion in lesions]
        assert [organ.model_dump(exclude={"evidence"}) for organ in case.organs] == [
            organ.model_dump(exclude={"evidence"}) for organ in one.organs
        ]
        assert case.no_lesion == (not one.lesions)
        kept += len(lesions)
    assert kept + written.left_out_lesions == sum(len(one.lesions) for one in chosen)


@settings(max_examples=40, deadline=None, suppress_health_check=_SLOW)
@given(readings())
def test_every_reading_comes_back(tmp_path: Path, chosen: list[Reading]) -> None:
    check_there_and_back(tmp_path / "tumours.csv", chosen)


@settings(max_examples=40, deadline=None, suppress_health_check=_SLOW)
@given(readings())
def test_every_row_of_a_ct_comes_back(tmp_path: Path, chosen: list[Reading]) -> None:
    path = tmp_path / "cts.csv"
    rows = write_ct_table(path, chosen, CtIds()).rows
    ids = CtIds()
    expected = [ct_row(one, ids.of(one.id)) for one in chosen if not why_left_out(one)]
    found = list(read_ct_table(path))
    assert len(found) == rows == len(expected)
    for back, there in zip(found, expected, strict=True):
        for organ, said in there.organs.items():
            if said.largest_mm is not None:
                assert math.isclose(said.largest_mm, back.organs[organ].largest_mm or 0, rel_tol=1e-6)
                back.organs[organ] = CtOrgan(
                    back.organs[organ].instances, said.largest_mm, back.organs[organ].places, back.organs[organ].status
                )
        assert back == there


def phantom_readings() -> Iterator[Reading]:
    from RSuperLib.phantom import PhantomSettings, make_phantom

    for seed in (1,):
        phantom = make_phantom(seed, PhantomSettings(size="small", prevalence=1.0))
        yield read_report(phantom.report, f"phantom {seed}")


def test_readings_of_phantoms_come_back(table: Path) -> None:
    chosen = list(phantom_readings())
    assert sum(len(one.lesions) for one in chosen) > 0
    check_there_and_back(table, chosen)


@pytest.mark.data
def test_readings_of_real_reports_come_back(data_dir: Path, table: Path) -> None:
    lines = (data_dir / "reports" / "reports.jsonl").read_text("utf-8").splitlines()
    chosen = [read_report(row["text"], row["id"]) for row in map(json.loads, lines)]
    check_there_and_back(table, chosen)
    cts = table.with_name("cts.csv")
    assert write_ct_table(cts, chosen, CtIds()).rows == len(list(read_ct_table(cts)))


# per CT


def test_a_ct_has_counts_the_largest_in_cm_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / "cts.csv"
    both = ["liver_segment_4", "liver_segment_5"]
    one = reading(
        finding(**GROUP, count=3, diameters_mm=[32, 21], size_kind="exact", organ_masks=both),
        finding(diameters_mm=[7], size_kind="exact", organ_masks=["liver_segment_1"]),
        finding(organ="kidney", laterality="left"),
        finding(organ="thyroid", diameters_mm=[50], size_kind="exact"),
        organs=[OrganStatus(organ="spleen", status="normal")],
    )  # fmt: skip
    written = write_ct_table(path, [one], CtIds())
    (row,) = raw(path)
    assert (written.left_out_reports, written.left_out_lesions) == (0, 1), "the thyroid has no column"
    assert row["BDMAP ID"] == "BDMAP_90000001"
    assert row["number of liver lesion instances"] == "4"
    assert row["largest liver lesion diameter (cm)"] == "3.2"
    assert row["largest liver lesion location (1-8)"] == "4 / 5"
    assert (row["number of kidney lesion instances"], row["largest kidney lesion diameter (cm)"]) == ("1", "")
    assert (row["number of spleen lesion instances"], row["largest spleen lesion diameter (cm)"]) == ("0", "0.0")
    assert row["no lesion"] == "False"
    statuses = [row[f"rsuper {organ} status"] for organ in ("liver", "spleen", "colon")]
    assert statuses == ["lesion", "normal", "not_stated"]


# published tables


def published(path: Path, *rows: dict[str, str], columns: tuple[str, ...] = c.TUMOUR_COLUMNS, mark: str = ",",
              encoding: str = "utf-8") -> Path:  # fmt: skip
    with path.open("w", encoding=encoding, newline="") as file:
        table = csv.DictWriter(file, columns, delimiter=mark)
        table.writeheader()
        table.writerows(rows)
    return path


ROW = {
    c.ACCESSION: "AC1", c.CT_ID: "BDMAP_00000001", c.TUMOUR_ID: "tumor 1", c.ORGAN: "liver", c.SIZE: "23.0 x 19.0",
    c.LOCATION: "segment 4 / segment 5", c.ATTENUATION: "low", c.UNKNOWN_SIZE: "no", c.NO_LESION: "False",
    "malignancy": "yes", "metastasis": "yes", "Series": "3.0", "Image": "41", "Tumor Type": "metastasis",
    "Type Certainty": "certain",
}  # fmt: skip


@pytest.mark.parametrize(("mark", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_a_published_table_is_read(mark: str, encoding: str, table: Path) -> None:
    rows = [
        ROW,
        {**ROW, c.TUMOUR_ID: "tumor 2", c.SIZE: "multiple", c.LOCATION: "u", "metastasis": "no", "malignancy": "u"},
        {**ROW, c.TUMOUR_ID: "tumor 3", c.ORGAN: "kidney", c.LOCATION: "left", c.SIZE: "U", c.ATTENUATION: "u"},
        {c.ACCESSION: "AC2", c.TUMOUR_ID: "no lesion", c.NO_LESION: "True", "age": "61"},
    ]
    path = published(table, *rows, columns=("age", *reversed(c.TUMOUR_COLUMNS)), mark=mark, encoding=encoding)
    first, second = read_tumour_table(path)
    one, many, kidney = first.lesions
    assert (first.id, first.ct_id, second.id, second.no_lesion) == ("AC1", "BDMAP_00000001", "AC2", True)
    assert (one.organ, one.organ_masks, one.diameters_mm) == ("liver", ["liver_segment_4", "liver_segment_5"], [23, 19])
    assert (one.attenuation, one.malignancy, one.kind, one.series, one.image) == (
        "hypo",
        "malignant",
        "metastasis",
        3,
        41,
    )
    assert (one.size_kind, one.size_min_mm, one.size_max_mm) == ("exact", 23, 23)
    assert (many.multiplicity, many.count, many.diameters_mm, many.organ_masks) == ("multiple", None, [], ["liver"])
    assert (kidney.laterality, kidney.organ_masks, kidney.size_kind) == ("left", ["kidney_left"], "not_stated")
    assert second.organs == [], "a table that clears no organ by name clears none"


def test_columns_that_a_published_table_lacks_are_not_stated(table: Path) -> None:
    path = published(table, {c.CT_ID: "BDMAP_00000001", c.TUMOUR_ID: "tumor 1", "Organ": "adrenal_gland"},
                     columns=(c.CT_ID, c.TUMOUR_ID, "Organ"))  # fmt: skip
    (case,) = read_tumour_table(path)
    assert (case.id, case.lesions[0].organ, case.lesions[0].size_kind) == ("BDMAP_00000001", "adrenal", "not_stated")


@pytest.mark.parametrize("size", ["0.0 x 12.0", "0.0", "1.0 x 2.0 x 3.0 x 4.0", "2300.0"])
def test_sizes_that_no_lesion_has_are_unknown_and_flagged(size: str, table: Path) -> None:
    (case,) = read_tumour_table(published(table, {**ROW, c.SIZE: size}))
    assert (case.lesions[0].diameters_mm, case.lesions[0].flags) == ([], ["size_not_possible"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({c.ACCESSION: "", c.CT_ID: ""}, "Row 3 .*'Encrypted Accession Number' and 'BDMAP ID' are both empty"),
        ({c.SIZE: "two fingers"}, r"Row 3 .*'Tumor Size \(mm\)' is no size"),
        ({c.TUMOUR_ID: "first"}, "Row 3 .*'Tumor ID' is neither"),
        ({c.TUMOUR_ID: "tumor 1"}, "Row 3 .*'Tumor ID' repeats"),
        ({c.NO_LESION: "perhaps"}, "Row 3 .*'no lesion' is neither True nor False"),
        ({c.NO_LESION: "True"}, "'no lesion' is true beside rows with tumours"),
        ({"Image": "front"}, "Row 3 .*'Image' is no whole number"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_column(change: dict[str, str], words: str, table: Path) -> None:
    path = published(table, ROW, {**ROW, c.TUMOUR_ID: "tumor 2", **change})
    with pytest.raises(InputError, match=words) as caught:
        list(read_tumour_table(path))
    assert "fingers" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2,3\n", "Row 2 of tumours.csv has more cells"),
        (b"a,a\n1,2\n", "two columns 'a'"),
        (b"\xff\xfe\xff", "not a text in UTF-8"),
        (b'a,b\n"x"y,z\n', "is no CSV"),
    ],
)
def test_what_is_no_table_is_said(content: bytes, words: str, table: Path) -> None:
    table.write_bytes(content)
    with pytest.raises(InputError, match=words):
        list(read_tumour_table(table))


def test_the_rows_of_a_ct_stand_together(table: Path) -> None:
    path = published(table, ROW, {**ROW, c.ACCESSION: "AC2"}, {**ROW, c.TUMOUR_ID: "tumor 2"})
    with pytest.raises(InputError, match=r"Row 4 .* do not stand together"):
        list(read_tumour_table(path))


@pytest.mark.parametrize(
    ("column", "value"),
    [(c.SIZE, "99.0"), (c.LOCATION, "segment 1"), (c.ATTENUATION, "high"), (c.ORGAN, "spleen"), ("malignancy", "no")],
)
def test_a_value_that_was_changed_in_one_column_only_is_not_lost(column: str, value: str, table: Path) -> None:
    (row,) = write(table, reading_of("Liver: 2.3 cm hypodense mass in segment VII."))
    columns = (*c.TUMOUR_COLUMNS, *c.EXTRA_TUMOUR_COLUMNS)
    published(table, {**row, column: value}, columns=columns)
    with pytest.raises(InputError, match=f"Row 2 .*{re.escape(column)}.* disagree"):
        list(read_tumour_table(table))


@pytest.mark.parametrize(
    ("field", "value"), [("diameters_mm", "-3"), ("kind", "xyz"), ("field_confidence", "{"), ("count", "many")]
)
def test_a_value_of_ours_that_cannot_be_is_named(field: str, value: str, table: Path) -> None:
    (row,) = write(table, reading_of("Liver: 2.3 cm hypodense mass in segment VII."))
    published(table, {**row, c.own_column(field): value}, columns=(*c.TUMOUR_COLUMNS, *c.EXTRA_TUMOUR_COLUMNS))
    with pytest.raises(InputError, match=f"Row 2 .*'rsuper {field}'"):
        list(read_tumour_table(table))


def test_a_published_per_ct_table_is_read(tmp_path: Path) -> None:
    columns = ("sex", c.CT_ID, c.instances_column("liver"), c.diameter_column("liver"), c.instances_column("adrenal"))
    rows = [
        {c.CT_ID: "BDMAP_00000001", columns[2]: "2.0", columns[3]: "2.3", columns[4]: "0", "sex": "f"},
        {c.CT_ID: "BDMAP_00000002", columns[2]: "1", columns[3]: "", columns[4]: "1"},
    ]
    path = published(tmp_path / "cts.csv", *rows, columns=columns)
    first, second = read_ct_table(path)
    assert first.organs == {"liver": CtOrgan(2, 23.0), "adrenal": CtOrgan(0)}
    assert second.organs["liver"] == CtOrgan(1, None)
    assert first.no_lesion is None


@pytest.mark.parametrize(
    ("cell", "words"), [("", "is no whole number"), ("1.5", "is no whole number"), ("some", "is no number")]
)
def test_a_count_that_is_none_is_named(cell: str, words: str, tmp_path: Path) -> None:
    columns = (c.CT_ID, c.instances_column("liver"))
    path = published(tmp_path / "cts.csv", {columns[0]: "BDMAP_00000001", columns[1]: cell}, columns=columns)
    with pytest.raises(InputError, match=f"Row 2 .*'number of liver lesion instances' {words}"):
        list(read_ct_table(path))


# cells


@given(_WORDS)
def test_no_cell_is_a_formula(text: str) -> None:
    cell = harmless(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert as_written(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "-2", "+a", "@x", "'=1", "''-x"])
def test_what_a_spreadsheet_would_run_is_marked(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert as_written(f"'{text}") == text


def test_values_of_the_published_files_are_never_marked() -> None:
    for text in ("23.0 x 19.0", "segment 4 / segment 5", "tumor 1", "u", "'quoted'", "BDMAP_00000001"):
        assert harmless(text) == text


@given(st.lists(_WORDS, max_size=4))
def test_lists_come_back(items: list[str]) -> None:
    assert items_of(list_text(items)) == items


def test_lists_read_plainly() -> None:
    assert list_text(["upper pole", "cortical"]) == "upper pole; cortical"


# the command


def shown(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    code = main(["read", *map(str, words), "--json"])
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return {"code": code, **result}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    texts = [
        "There is a 15 mm nodule in the right adrenal gland.",
        "The liver is normal.",
        "  ",
        "A 9 mm cyst in the liver.",
    ]
    rows = [{"id": f"=case {number}", "text": text} for number, text in enumerate(texts)]
    path = tmp_path / "reports.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def test_reports_become_tables(reports: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, cts = table.with_name("readings.jsonl"), table.with_name("cts.csv")
    result = shown(capsys, reports, "--out", out, "--per-tumour", table, "--per-ct", cts)
    assert (result["code"], result["reports"], result["not_read"]) == (0, 4, 1)
    assert {key: result["per_tumour"][key] for key in ("rows", "cases", "left_out_reports")} == {
        "rows": 3, "cases": 3, "left_out_reports": 1,
    }  # fmt: skip
    rows = raw(table)
    assert [row[c.ACCESSION] for row in rows] == ["'=case 0", "'=case 1", "'=case 3"]
    assert [row[c.CT_ID] for row in rows] == ["BDMAP_90000001", "BDMAP_90000002", "BDMAP_90000003"]
    assert [row[c.CT_ID] for row in raw(cts)] == [row[c.CT_ID] for row in rows]
    assert [row["Report"] for row in rows] == ["", "", ""]
    assert shown(capsys, table)["organs"] == {"adrenal": 1, "liver": 1}
    assert shown(capsys, cts)["organs"] == {"adrenal": 1, "liver": 1} | dict.fromkeys(
        set(c.CT_ORGANS) - {"adrenal", "liver"}, 0
    )


def test_a_ct_keeps_its_id_when_reports_are_added(
    reports: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = table.with_name("readings.jsonl")
    shown(capsys, reports, "--out", out, "--per-tumour", table)
    first = {row[c.ACCESSION]: row[c.CT_ID] for row in raw(table)}
    rows = reports.read_text("utf-8").splitlines()
    rows.insert(0, json.dumps({"id": "new", "text": "The spleen is normal."}))
    reports.write_text("\n".join(rows), "utf-8")
    shown(capsys, reports, "--out", out, "--per-tumour", table)
    second = {row[c.ACCESSION]: row[c.CT_ID] for row in raw(table)}
    assert second == {**first, "new": "BDMAP_90000004"}


def test_tables_are_written_of_readings_too(reports: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.with_name("readings.jsonl")
    shown(capsys, reports, "--out", out)
    result = shown(capsys, out, "--per-tumour", table, "--training-names")
    assert (result["code"], raw(table)[0][c.ORGAN]) == (0, "adrenal_gland")
    assert shown(capsys, out)["error"]["message"] == "The file holds readings."


def test_the_texts_are_put_in_only_where_asked(reports: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.with_name("readings.jsonl")
    shown(capsys, reports, "--out", out, "--per-tumour", table, "--with-report-text")
    assert raw(table)[0]["Report"] == "There is a 15 mm nodule in the right adrenal gland."
    assert raw(table)[0]["DNN Answer"] == ""


def test_a_place_that_cannot_be_written_is_said(reports: Path, table: Path) -> None:
    out = table.with_name("readings.jsonl")
    assert main(["read", str(reports), "--out", str(out), "--per-tumour", f"{reports}/tumours.csv"]) == 1
    assert main(["read", str(reports), "--out", str(out), "--per-ct", f"{reports}/cts.csv"]) == 1


def test_no_file_is_named_twice(reports: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = table.with_name("readings.jsonl")
    result = shown(capsys, reports, "--out", out, "--per-tumour", table, "--per-ct", table)
    assert (result["code"], "names twice" in result["error"]["message"]) == (2, True)
    assert not out.exists()


def test_a_table_becomes_cases(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published(table, {**ROW, c.SIZE: "0.0"})
    cases = table.with_name("cases.jsonl")
    result = shown(capsys, table, "--out", cases)
    assert (result["cases"], result["lesions"], result["flagged"]) == (1, 1, 1)
    assert [TableCase.model_validate_json(line).id for line in cases.read_text("utf-8").splitlines()] == ["AC1"]
