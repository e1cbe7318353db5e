"""Every size of a report goes through one parser; each case here is a way that radiologists write sizes."""

from __future__ import annotations

import pytest

from RSuperLib.report.lexicon import load_language
from RSuperLib.report.measurements import Measurement, MeasurementParser
from RSuperLib.report.normalise import normalise

PARSER = MeasurementParser(load_language("en"))


def find(text: str) -> list[Measurement]:
    return PARSER.find(normalise(text).text)


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("a 12 mm nodule", [(12,)]),
        ("a 6-mm nodule", [(6,)]),
        ("1.5cm", [(15,)]),
        ("1,5 cm", [(15,)]),
        ("7-millimeter nodule", [(7,)]),
        ("3 centimetres", [(30,)]),
        ("12 ㎜", [(12,)]),
        ("1 2 mm", [(2,)]),
        ("１２ mm", [(12,)]),
        ("23 x 19 mm", [(23, 19)]),
        ("23x19mm", [(23, 19)]),
        ("2.3 × 1.9 cm", [(23, 19)]),
        ("2.3 cm x 1.9 cm", [(23, 19)]),
        ("2.3 by 1.9 cm", [(23, 19)]),
        ("10*17 mm", [(10, 17)]),
        ("1,4 × 1,1 cm", [(14, 11)]),
        ("4.4 x 2.5 x 3.4 cm", [(44, 25, 34)]),
        ("4.0 cm (AP) x 3.0 cm (TR) x 5.0 cm (CC)", [(40, 30, 50)]),
        ("57x46 mm in the axial plane and a craniocaudal length of 88 mm", [(57, 46, 88)]),
        ("1.5 and 2.2 cm", [(15,), (22,)]),
        ("a 7 mm and a 5 mm nodule", [(7,), (5,)]),
        ("4, 6 and 9 mm", [(4,), (6,), (9,)]),
    ],
)
def test_axes_come_out_in_millimetres(text: str, axes: list[tuple[float, ...]]) -> None:
    assert [size.axes_mm for size in find(text)] == axes


@pytest.mark.parametrize(
    ("text", "kind", "low", "high"),
    [
        ("2-3 cm", "range", 20, 30),
        ("2 to 3 cm", "range", 20, 30),
        ("between 2 and 3 cm", "range", 20, 30),
        ("< 5 mm", "upper_bound", None, 5),
        ("less than 1 cm", "upper_bound", None, 10),
        ("up to 14 mm", "upper_bound", None, 14),
        ("> 4 cm", "lower_bound", 40, None),
        ("at least 4 cm", "lower_bound", 40, None),
        ("measuring 4 cm", "exact", 40, 40),
    ],
)
def test_bounds_stay_intervals(text: str, kind: str, low: float | None, high: float | None) -> None:
    (size,) = find(text)
    assert (size.kind, size.low_mm, size.high_mm) == (kind, low, high)


@pytest.mark.parametrize(
    ("text", "now", "before"),
    [
        ("12 mm (previously 10 mm)", [12], [10]),
        ("increased from 10 mm to 14 mm", [14], [10]),
        ("5.3 mm (3 mm in the previous examination)", [5.3], [3]),
        ("4 mm in diameter in the current examination and 2.5 mm in the previous examination", [4], [2.5]),
        ("now 3.4 cm, previously 2.6 cm", [34], [26]),
        ("3.4 cm, compared to 2.6 cm on the prior CT", [34], [26]),
    ],
)
def test_earlier_sizes_are_kept_apart(text: str, now: list[float], before: list[float]) -> None:
    sizes = find(text)
    assert [size.largest_mm for size in sizes if not size.prior] == now
    assert [size.largest_mm for size in sizes if size.prior] == before


@pytest.mark.parametrize(
    "text",
    [
        "2 cm from the bile duct",
        "5-mm slices were acquired",
        "at a distance of 3 cm",
        "series 3, image 112",
        "the L2-3 disc",
        "segment 7",
        "100 mL of contrast",
        "a mean of 24 HU",
        "on 12.05.2020",
        "4 cm2",
        "0 mm",
    ],
)
def test_what_is_no_size_gives_none(text: str) -> None:
    assert find(text) == []


@pytest.mark.parametrize("text", ["a lesion measuring 15", "measuring 15x8 m", "2 x 3 lesion"])
def test_a_missing_unit_is_reported_and_never_guessed(text: str) -> None:
    (size,) = find(text)
    assert size.unit_missing
    assert size.axes_mm == ()
