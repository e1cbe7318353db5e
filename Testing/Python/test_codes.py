"""Every organ, side, kind and place of a reading has its SNOMED CT code, and every code is a true one."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any, get_args

import pytest
from pydicom.sr._concepts_dict import concepts

from RSuperLib.anatomy.codes import (
    Code,
    category_code,
    codes_of,
    malignancy_code,
    mass_code,
    organ_code,
    part_code,
    side_code,
    type_code,
)  # fmt: skip
from RSuperLib.anatomy.table import table
from RSuperLib.report import Evidence, Finding, read_report
from RSuperLib.report.schema import Kind, Laterality, Malignancy, Organ, StatedOrgan

DATA: dict[str, Any] = json.loads(files("RSuperLib.anatomy").joinpath("codes.json").read_text(encoding="utf-8"))

#: Facts of Slicer's terminology files, and of the design: what must come out.
ORGANS = {
    "liver": "10200004", "pancreas": "15776009", "kidney": "64033007", "adrenal": "23451007", "spleen": "78961009",
    "gallbladder": "28231008", "stomach": "69695003", "duodenum": "38848004", "small_bowel": "30315005",
    "colon": "71854001", "esophagus": "32849002", "bladder": "89837001", "prostate": "41216001", "uterus": "35039007",
    "ovary_adnexa": "15497006", "breast": "76752008", "lung": "39607008", "pleura": "3120008",
    "mediastinum": "72410000", "thyroid": "69748006", "bone": "272673000", "lymph_node": "59441001",
    "peritoneum_omentum": "83670000", "retroperitoneum": "82849001", "pelvis": "12921003", "soft_tissue": "87784001",
    "upper_abdomen": "80581009",
}  # fmt: skip
SEGMENTS = ("71133005", "277956007", "277957003", "277958008", "277959000", "277960005", "277961009", "277962002")


def value(code: Code | None) -> str | None:
    return code[1] if code else None


def all_codes() -> set[Code]:
    found = {part.code for part in table().values() if part.code}
    rows = [DATA["category"], *(row["code"] for row in (*DATA["parts"], *DATA["types_of_words"]) if "code" in row)]
    rows += [row for name in ("kinds", "sides", "malignancy", "organs") for row in DATA[name].values()]
    return found | {(row[0], row[1], row[2]) for row in rows}


@pytest.mark.parametrize("organ", get_args(Organ) + get_args(get_args(StatedOrgan)[-1]))
def test_every_organ_has_its_code(organ: Any) -> None:
    assert value(organ_code(organ)) == ORGANS.get(organ), "only `other` has none"
    assert (organ in ORGANS) == (organ != "other")


def test_every_side_has_its_code() -> None:
    assert {side: value(side_code(side)) for side in get_args(Laterality)} == {
        "left": "7771000", "right": "24028007", "bilateral": "51440002", "midline": "261129000",
    }  # fmt: skip
    assert side_code(None) is None


def finding(**values: Any) -> Finding:
    return Finding(**{"lesion_id": "1", "organ": "liver", "evidence": [Evidence(start=0, end=1, text="x")], **values})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("tumour", "Neoplasm"), ("metastasis", "Neoplasm, Secondary"), ("cyst", "Cyst"), ("node", "Mass"),
        ("benign", "Mass"), ("indeterminate", "Mass"), ("other", "Mass"),
    ],
)  # fmt: skip
def test_every_kind_has_its_code(kind: Any, expected: str) -> None:
    assert type_code(finding(kind=kind))[2] == expected


def test_no_kind_is_forgotten() -> None:
    assert set(DATA["kinds"]) == set(get_args(Kind))
    assert set(DATA["malignancy"]) | {"not_stated"} == set(get_args(Malignancy))
    assert malignancy_code("not_stated") is None


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("tumour", "mass", "Mass"), ("tumour", "carcinoma", "Neoplasm"), ("indeterminate", "nodules", "Nodule"),
        ("metastasis", "metastatic mass", "Neoplasm, Secondary"), ("other", "Abscess", "Abscess"),
        ("other", "haematoma", "Hematoma"), ("cyst", "cystic nodule", "Cyst"),
    ],
)  # fmt: skip
def test_the_own_word_tells_more_than_the_kind(kind: Any, words: str, expected: str) -> None:
    assert type_code(finding(kind=kind, kind_text=words))[2] == expected


def test_segments_of_the_liver() -> None:
    found = [value(part_code("liver", f"segment {number}")) for number in range(1, 9)]
    assert tuple(found) == SEGMENTS
    assert value(part_code("liver", "segment 4A")) == "871688003"
    assert value(part_code("liver", "segment 4B")) == "871689006"
    assert value(part_code("liver", "caudate lobe")) == "71133005"
    assert part_code("liver", "segment 9") is None


@pytest.mark.parametrize(
    ("organ", "word", "expected"),
    [
        ("pancreas", "head", "64163001"), ("pancreas", "body", "40133006"), ("pancreas", "tail", "73239005"),
        ("lung", "upper lobe", "45653009"), ("lung", "middle lobe", "72481006"), ("lung", "lower lobe", "90572001"),
        ("lung", "posterobasal segment", "72674008"), ("lung", "apex", "86598002"), ("lung", "hilum", "46750007"),
        ("kidney", "upper pole", "264217000"), ("kidney", "peripelvic", "25990002"),
        ("spleen", "lower pole", "261089000"), ("adrenal", "medial limb", "255561001"),
        ("liver", "subcapsular", "61397002"), ("lung", "subpleural", "68599007"),
        ("colon", "sigmoid", "60184004"), ("colon", "caecum", "32713005"), ("colon", "rectum", "34402009"),
        ("breast", "upper outer quadrant", "76365002"), ("thyroid", "isthmus", "40867004"),
        ("uterus", "cervix", "71252005"),
        ("bone", "t11", "51282000"), ("bone", "left 5th rib", "113197003"), ("bone", "femoral head", "71341001"),
        ("lymph_node", "mediastinal", "62683002"), ("lymph_node", "subcarinal", "28330007"),
        ("lymph_node", "axillary", "68171009"), ("lymph_node", "common iliac", "84219008"),
        ("soft_tissue", "subcutaneous", "71966008"), ("soft_tissue", "pectoralis major", "60005003"),
        ("peritoneum_omentum", "upper left abdomen", "86367003"), ("liver", "head", None), ("other", "segment 7", None),
    ],
)  # fmt: skip
def test_places_have_their_codes(organ: Any, word: str, expected: str | None) -> None:
    assert value(part_code(organ, word)) == expected


def test_what_is_left_without_a_code_is_known() -> None:
    """Each family of places that the reader names either has a code or stands here."""
    uncoded = {
        "antrum", "aortocaval", "aortopulmonary window", "body", "both lobes", "cardiophrenic", "cortical", "dome",
        "endometrial cavity", "exophytic", "fundus", "gastroesophageal junction", "interaortocaval", "intramural",
        "left lateral segment", "left lobe", "left medial segment", "lower uterine segment", "mesentery", "mid pole",
        "neck", "para-aortic", "para-caval", "paraspinal", "segment",
        "right anterior section", "right lobe", "right posterior section", "submucosal",
        "subserosal", "uncinate process",
    }  # fmt: skip
    text = files("RSuperLib.report").joinpath("languages/en/anatomy.json").read_text(encoding="utf-8")
    named = {
        (organ, part)
        for place in json.loads(text)["places"]
        for part in ([place["part"]] if isinstance(place["part"], str) else place["part"])
        if not part.startswith("=")
        for organ in place["organs"]
    }
    assert named
    lost = {
        part
        for organ, part in named
        if part_code(organ, part) is None and part_code(organ, part.split(" and ")[0]) is None
    }
    assert lost <= uncoded, "code these places, or say that nothing codes them"


def test_a_finding_in_codes() -> None:
    (lesion,) = read_report("There is a 23 mm mass in the upper pole of the left kidney.").findings
    codes = codes_of(lesion)
    assert (codes.category, codes.type) == (category_code(), mass_code())
    assert (codes.region, codes.side) == (("SCT", "64033007", "Kidney"), ("SCT", "7771000", "Left"))
    assert codes.parts == {"upper pole": ("SCT", "264217000", "Superior")}
    assert codes_of(finding(parts=["dome"])).uncoded == ("dome",)


# Verhoeff's tables, as in SNOMED CT's guide to its identifiers
_DIHEDRAL = [[(i + j) % 5 if j < 5 else 5 + (i + j - 5) % 5 for j in range(10)] for i in range(5)]
_DIHEDRAL += [[5 + (i - j) % 5 if j < 5 else (i - j) % 5 for j in range(10)] for i in range(5, 10)]
_SHUFFLE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_sctid(text: str) -> bool:
    """Whether the check digit is right, and the last but two digits say that it is a concept."""
    check = 0
    for place, digit in enumerate(reversed(text)):
        number = int(digit)
        for _ in range(place % 8):
            number = _SHUFFLE[number]
        check = _DIHEDRAL[check][number]
    return check == 0 and re.fullmatch(r"[1-9]\d{2,14}(?:00|10)\d", text) is not None


def test_the_check_digit_is_checked() -> None:
    assert is_sctid("10200004")
    assert not is_sctid("10200005")
    assert not is_sctid("12000004")


def test_every_code_is_a_concept_of_snomed_ct() -> None:
    assert {code for code in all_codes() if code[0] != "SCT" or not is_sctid(code[1])} == set()


def test_one_code_has_one_meaning() -> None:
    """`parts.json` and `codes.json` are no two truths."""
    meanings: dict[str, set[str]] = {}
    for _, number, meaning in all_codes():
        meanings.setdefault(number, set()).add(meaning.lower())
    assert {number: words for number, words in meanings.items() if len(words) > 1} == {}


def test_every_code_of_ours_stands_in_dicoms_lists_too() -> None:
    """A second source, which others made: the context groups of DICOM as pydicom has them."""
    listed = {number for names in concepts["SCT"].values() for number in names}
    own = {row["code"][1] for row in DATA["parts"] if "code" in row}
    own |= {row[1] for name in ("kinds", "sides", "malignancy", "organs") for row in DATA[name].values()}
    assert own - listed == {"871688003", "871689006"}, "IVa and IVb are in SNOMED CT, not in DICOM's lists"
