"""view.png: slices the right way round, contours where the lesions are, the report unaltered, nothing cut off."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from RSuperLib.agreement.schema import Agreement, Lesion, Row
from RSuperLib.export import draw_view
from RSuperLib.export.colours import lesion_colour
from RSuperLib.export.page import Case, draw_page
from RSuperLib.export.report_text import BADGE_WIDTH, GAP, badges, height_of, lay_out, marks, shortened
from RSuperLib.export.slices import Crop, Display, Point, extents, outline, windowed
from RSuperLib.io import Grid, Volume, read_ct, read_label_map
from RSuperLib.report.schema import Evidence, Finding, Reading

ORIENTATIONS = [
    "".join(axes[i] for axes, i in zip(order, signs, strict=True))
    for order in itertools.permutations(("LR", "PA", "IS"))
    for signs in itertools.product((0, 1), repeat=3)
]
TEXT = "Liver: a 30 mm lesion in segment 7. Possible cyst of the spleen. No lesion of the pancreas."


def in_orientation(array: np.ndarray, spacing: tuple[float, float, float], codes: str) -> tuple[np.ndarray, Grid]:
    """A RAS array as a file of another orientation holds it, on its grid."""
    turn = nibabel.orientations.axcodes2ornt(codes)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-40, -30, 100)
    turned = nibabel.orientations.apply_orientation(
        array, nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), turn)
    )
    change = nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), turn)
    grid = Grid(turned.shape, affine @ nibabel.orientations.inv_ornt_aff(change, array.shape))
    return np.ascontiguousarray(turned), grid


def ball(shape: tuple[int, int, int], centre: tuple[int, int, int], radius: float, spacing: np.ndarray) -> np.ndarray:
    offsets = np.indices(shape) - np.reshape(centre, (3, 1, 1, 1))
    return ((offsets * np.reshape(spacing, (3, 1, 1, 1))) ** 2).sum(axis=0) <= radius**2


def finding(name: str, words: str, text: str = TEXT, **values: object) -> Finding:
    start = text.index(words)
    evidence = Evidence(start=start, end=start + len(words), text=words)
    return Finding(lesion_id=name, evidence=[evidence], **{"organ": "liver", **values})


def lesion(label: int, organ: str = "liver", millilitres: float = 14.0) -> Lesion:
    return Lesion(
        label=label, organ=organ, parts=[f"{organ}_segment_7"], volume_mm3=1000 * millilitres,
        diameters_mm=[30, 28, 31], max_probability=0.9,
    )  # fmt: skip


def reading() -> Reading:
    return Reading(
        findings=[
            finding("1", "a 30 mm lesion in segment 7", diameters_mm=[30], parts=["segment 7"]),
            finding("2", "Possible cyst of the spleen", organ="spleen", presence="possible"),
            finding("3", "No lesion of the pancreas", organ="pancreas", presence="absent"),
        ]
    )


AGREEMENT = Agreement(
    rows=[
        Row(finding="1", lesion=1, state="agrees"),
        Row(finding="2", lesion=None, state="cannot tell", reasons=["No part mask covers the spleen."]),
    ],
    lesions=[lesion(1)],
)


def small_case(count: int = 1, **changes: object) -> Case:
    """A uniform body with `count` balls in a row."""
    shape, spacing = (64, 48, 30), np.array([2.0, 2.0, 5.0])
    hounsfield = np.full(shape, -1000, np.int16)
    hounsfield[4:60, 4:44] = 40
    labels = np.zeros(shape, np.uint16)
    for index in range(count):
        labels[ball(shape, (8 + 48 * index // max(count, 1), 24, 4 + 22 * index // max(count, 1)), 7, spacing)] = (
            index + 1
        )
    values = {
        "ct": Volume(hounsfield, Grid(shape, np.diag([*spacing, 1.0]))), "labels": labels, "reading": reading(),
        "agreement": AGREEMENT, "report": TEXT, "parts": {}, "title": "case", "footnote": "finder",
    }  # fmt: skip
    return Case(**{**values, **changes})


def many(count: int) -> Case:
    text = "\n".join(
        f"Lesion {n}: a lesion of {n + 5} mm in the liver. " + "Plain words. " * 30 for n in range(1, count + 1)
    )
    findings = [finding(str(n), f"a lesion of {n + 5} mm", text, diameters_mm=[n + 5]) for n in range(1, count + 1)]
    rows = [
        Row(finding=str(n), lesion=n, state="differs", reasons=["Size differs. " * 20]) for n in range(1, count + 1)
    ]
    agreement = Agreement(rows=rows, lesions=[lesion(n, millilitres=count - n + 1) for n in range(1, count + 1)])
    return small_case(count, reading=Reading(findings=findings), agreement=agreement, report=text)


def words_of(case: Case) -> list[str]:
    return [text.get_text() for text in draw_page(case).figure.findobj(Text) if text.get_text()]


# ---------------------------------------------------------------- slices


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_the_patients_right_is_on_the_left_in_every_orientation(codes: str) -> None:
    right_anterior_superior = np.zeros((12, 10, 8), np.int16)
    right_anterior_superior[9, 8, 6] = 1000
    array, grid = in_orientation(right_anterior_superior, (1.0, 2.0, 5.0), codes)
    display = Display(grid)
    for plane, index, place, step in (
        ("axial", 1, (1, 2), (1.0, 2.0)),
        ("coronal", 1, (1, 2), (1.0, 5.0)),
        ("sagittal", 2, (1, 1), (2.0, 5.0)),
    ):
        section = display.section(array, plane, index)
        assert np.argwhere(section == 1000).tolist() == [list(place)], plane
        assert display.pixel_mm(plane) == pytest.approx(step)
        assert np.shares_memory(section, array)
    marker = Point(2, 1, 1)
    assert [display.position(plane, marker) for plane in ("axial", "coronal", "sagittal")] == [
        "S 130 mm",
        "P 14 mm",
        "L 31 mm",
    ]


def test_there_are_48_orientations() -> None:
    assert len(set(ORIENTATIONS)) == 48


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_lesion_is_cut_where_it_is_largest(order: str) -> None:
    labels = np.zeros((30, 20, 10), np.uint16, order=order)
    labels[10:12, 5:7, 1:9] = 3
    labels[8:20, 3:10, 2] = 3
    display = Display(Grid(labels.shape, np.diag([-1.0, -1.0, -1.0, 1.0])))  # displayed axes = file axes
    found = extents(labels, display)
    assert list(found) == [3]
    assert found[3].largest.inferior == 2
    assert found[3].voxels == np.count_nonzero(labels)
    assert found[3].box == (slice(8, 20), slice(3, 10), slice(1, 9))


@pytest.mark.parametrize(("radius", "step"), [(0.4, (1.0, 1.0)), (3, (1.0, 1.0)), (12, (0.7, 0.7)), (15, (0.8, 5.0))])
def test_a_contour_encloses_the_area_of_its_mask(radius: float, step: tuple[float, float]) -> None:
    rows, columns = np.indices((60, 60))
    mask = ((columns - 30) * step[0]) ** 2 + ((rows - 30) * step[1]) ** 2 <= radius**2
    lines = outline(mask, step)
    assert len(lines) == 1
    x, y = lines[0].T
    area = abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    assert area == pytest.approx(mask.sum() * step[0] * step[1], rel=0.15)
    assert (x.min() + x.max()) / 2 == pytest.approx(30 * step[0], abs=step[0] / 4)
    assert (y.min() + y.max()) / 2 == pytest.approx(30 * step[1], abs=step[1] / 4)


def test_an_empty_mask_has_no_contour() -> None:
    assert outline(np.zeros((5, 5), bool), (1.0, 1.0)) == []


def test_a_window_maps_hounsfield_units_to_grey() -> None:
    assert windowed(np.array([-1000, -160, 40, 240, 3000]), 40, 400).tolist() == [0, 0, 127, 255, 255]


def test_a_crop_beyond_the_slice_still_has_pixels() -> None:
    rows, columns = Crop.around((500.0, -500.0), (10.0, 10.0)).pixels((20, 30), (1.0, 1.0))
    assert (rows.stop - rows.start, columns.stop - columns.start) == (1, 1) or np.zeros((20, 30))[
        rows, columns
    ].size > 0


# ---------------------------------------------------------------- report


def laid_out(text: str, read: Reading, agreement: Agreement, width: float) -> list[tuple]:
    return lay_out(text, marks(text, read, agreement), badges(read, agreement), width, lambda words: 7.0 * len(words))


@pytest.mark.parametrize("width", [60.0, 200.0, 1000.0])
def test_the_words_of_the_report_stay_as_they_are(width: float) -> None:
    text = TEXT + "\n\n\nEine Raumforderung  von 3 cm.\n" + "x" * 70 + " 肝右叶可见低密度影，大小约"
    lines = laid_out(text, reading(), AGREEMENT, width)
    shown = "".join(piece.text for line in lines for piece in line)
    assert "".join(shown.split()) == "".join(text.split())
    assert all(line[-1].x + line[-1].width <= width for line in lines if line)


def test_lines_that_a_program_broke_are_rejoined() -> None:
    text = "There is a hypoattenuating lesion in the right lobe\nwithout much change.\nSpleen: normal\nkidneys: normal"
    lines = laid_out(text, Reading(), Agreement(), 2000)
    assert ["".join(piece.text for piece in line) for line in lines] == [
        "There is a hypoattenuating lesion in the right lobe without much change.",
        "Spleen: normal",
        "kidneys: normal",
    ]


def test_evidence_is_shown_by_what_the_report_claims() -> None:
    [line] = laid_out(TEXT, reading(), AGREEMENT, 2000)
    shown = {piece.text: (piece.mark.style, piece.mark.lesion, piece.badges) for piece in line}
    assert shown["a 30 mm lesion in segment 7"] == ("present", 1, (1,))
    assert shown["Possible cyst of the spleen"] == ("hedged", None, ())
    assert shown["No lesion of the pancreas"] == ("negated", None, ())
    assert shown["Liver: "] == ("plain", None, ())
    evidence = next(piece for piece in line if piece.badges)
    assert evidence.x == 7.0 * len("Liver: ")
    assert evidence.text_x == evidence.x + BADGE_WIDTH


def test_the_narrower_evidence_wins() -> None:
    whole = finding("1", "a 30 mm lesion in segment 7. Possible cyst of the spleen")
    read = Reading(findings=[finding("2", "Possible cyst of the spleen", presence="possible"), whole])
    shown = marks(TEXT, read, AGREEMENT)
    assert shown[TEXT.index("30")].style == "present"
    assert shown[TEXT.index("cyst")].style == "hedged"


def test_evidence_that_is_not_in_the_text_is_not_shown() -> None:
    elsewhere = finding("1", "a 30 mm lesion in segment 7", "x" + TEXT)
    assert {mark.style for mark in marks(TEXT, Reading(findings=[elsewhere]), AGREEMENT)} == {"plain"}


def test_a_prior_finding_is_greyed() -> None:
    prior = finding("1", "a 30 mm lesion in segment 7", temporality="resected")
    assert marks(TEXT, Reading(findings=[prior]), AGREEMENT)[TEXT.index("30")].style == "negated"


def test_a_long_report_keeps_its_evidence() -> None:
    text = "Plain words.\n" * 60 + TEXT + "\nMore words." * 60
    start = text.index("a 30 mm")
    span = Evidence(start=start, end=start + 27, text=text[start : start + 27])
    read = Reading(findings=[Finding(lesion_id="1", organ="liver", evidence=[span])])
    lines = laid_out(text, read, AGREEMENT, 400)
    few = shortened(lines, 12)
    assert height_of(few) <= 12
    assert any(piece.badges for line in few for piece in line)
    assert few[0] is GAP
    assert few[-1] is GAP
    assert all(line in lines for line in few if line is not GAP)
    assert shortened(lines, 200) is lines


# ---------------------------------------------------------------- the page


def near(image: np.ndarray, colour: tuple[float, float, float]) -> np.ndarray:
    return np.abs(image.astype(int) - np.round(255 * np.array(colour)).astype(int)).max(axis=2) <= 30


def picture(path: Path, case: Case) -> np.ndarray:
    draw_view(
        path, case.ct, case.labels, case.reading, case.agreement, case.report, parts=case.parts, title=case.title,
        footnote=case.footnote,
    )  # fmt: skip
    return np.asarray(Image.open(path).convert("RGB"))


def test_the_contour_lies_around_the_lesion(tmp_path: Path) -> None:
    image = picture(tmp_path / "view.png", small_case())
    axial = image[210:1030, 60:890]  # the large panel of a single lesion
    rows, columns = np.nonzero(near(axial, lesion_colour(1)))
    assert rows.size > 500
    assert (rows.min() + rows.max()) / 2 == pytest.approx(axial.shape[0] / 2, abs=25)
    assert (columns.min() + columns.max()) / 2 == pytest.approx(axial.shape[1] / 2, abs=25)
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), rel=0.1)
    inside = axial[int(rows.mean()) - 20 : int(rows.mean()) + 20, int(columns.mean()) - 20 : int(columns.mean()) + 20]
    assert np.ptp(inside) <= 2, "a contour is not filled"
    assert not near(axial, lesion_colour(2)).any()


@pytest.mark.parametrize("codes", ["RAS", "LPS", "SAR", "AIL"])
def test_the_drawn_page_has_the_patients_right_on_its_left(tmp_path: Path, codes: str) -> None:
    body = np.full((64, 48, 30), -1000, np.int16)
    body[4:60, 4:44] = -100
    body[50:56, 36:40] = 1500  # on the right, anterior
    array, grid = in_orientation(body, (2.0, 2.0, 5.0), codes)
    case = small_case(0, ct=Volume(array, grid), labels=np.zeros(array.shape, np.uint16), agreement=Agreement())
    axial = picture(tmp_path / "view.png", case)[310:950, 60:890]
    rows, columns = np.nonzero((axial > 250).all(axis=2))
    assert np.median(columns) < axial.shape[1] / 3
    assert np.median(rows) < axial.shape[0] / 2


def test_an_empty_mask_is_not_called_a_ct_without_lesions() -> None:
    words = " ".join(words_of(small_case(0, agreement=Agreement()))).lower()
    assert "nothing was marked" in words
    assert "research tool, not a medical device" in words
    assert "no lesion" not in words.replace("no lesion of the pancreas", "").replace("no lesion was marked", "")


def test_a_report_that_was_not_read_says_so() -> None:
    unread = Reading(status="not_read", reason="The language is not known.")
    words = words_of(small_case(0, reading=unread, agreement=Agreement()))
    assert "This report was not read. The language is not known." in words
    assert not any("in the report" in text and text[0].isdigit() for text in words), "an unread report has no count"


STRANGE = "Böbreğin üst kutbunda şüpheli lezyon; 肝右叶 ﷽ 😀 \x07\u200b\u202e $x_1$ \\frac " + "w" * 300 + " Ω≥3 cm"


def cases() -> dict[str, Case]:
    thin = small_case(1)
    return {
        "one": small_case(1),
        "two": many(2),
        "three": many(3),
        "four": many(4),
        "five": many(5),
        "fifteen": many(15),
        "nothing": small_case(0, agreement=Agreement(), reading=Reading(), report=""),
        "three slices": small_case(
            1,
            ct=Volume(thin.ct.array[:, :, 3:6], Grid((64, 48, 3), thin.ct.grid.affine)),
            labels=thin.labels[:, :, 3:6],
        ),
        "strange letters": small_case(
            1,
            report=STRANGE,
            title=STRANGE,
            footnote=STRANGE,
            reading=Reading(findings=[finding("1", "肝右叶", STRANGE)]),
        ),
        "unread": small_case(0, reading=Reading(status="not_read", reason="Not read. " * 40), agreement=Agreement()),
    }


@pytest.mark.parametrize("name", cases())
def test_every_text_is_on_the_page_and_apart_from_the_others(name: str) -> None:
    canvas = draw_page(cases()[name])
    renderer = canvas.figure.canvas.get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer))
        for text in canvas.figure.findobj(Text)
        if text.get_text().strip()
    ]
    width, height = canvas.figure.bbox.width, canvas.figure.bbox.height
    for words, box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, words
    for (words, box), (others, other) in itertools.combinations(boxes, 2):
        overlap = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
        assert min(overlap) < 4, f"{words!r} on {others!r}"


def test_lesions_beyond_the_sixth_are_named_not_drawn() -> None:
    words = words_of(many(15))
    assert any("more in agreement.json" in text for text in words)


def test_outlines_of_parts_are_faint_and_change_the_picture(tmp_path: Path) -> None:
    case = small_case()
    part = np.zeros(case.labels.shape, np.uint8)
    part[6:40, 6:40, 2:20] = 1
    plain = picture(tmp_path / "plain.png", case)
    again = picture(tmp_path / "again.png", case)
    assert (again == plain).all(), "the same case gives the same picture"
    outlined = picture(tmp_path / "parts.png", small_case(parts={"liver_segment_7": part}))
    changed = np.abs(plain.astype(int) - outlined.astype(int)).max(axis=2)
    assert (changed > 20).sum() > 200
    assert (changed > 20).mean() < 0.01


def test_labels_on_another_grid_are_refused_and_the_old_picture_stays(tmp_path: Path) -> None:
    path = tmp_path / "view.png"
    path.write_bytes(b"old")
    case = small_case()
    with pytest.raises(ValueError, match="cannot lie on a grid"):
        draw_view(path, case.ct, case.labels[1:], case.reading, case.agreement, case.report)
    with pytest.raises(ValueError, match="cannot lie on a grid"):
        parts = {"liver_segment_7": case.labels[1:]}
        draw_view(path, case.ct, case.labels, case.reading, case.agreement, case.report, parts=parts)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def lightness_and_colour(linear: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear sRGB, (n, 3)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = np.clip(linear, 0, 1) @ to_xyz.T / (0.9505, 1.0, 1.089)
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


#: What is seen without one kind of cones: Machado, Oliveira and Fernandes, IEEE TVCG 15 (2009), severity 1.
SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_lesion_colours_are_apart_and_bright_for_every_eye(sight: str) -> None:
    colours = np.array([lesion_colour(label) for label in range(1, 8)])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = lightness_and_colour(linear @ np.transpose(SIGHTS[sight]))
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10  # just noticed: 2.3
    assert seen[:, 0].min() > 50


def test_lesion_colours_come_again_and_the_background_has_none() -> None:
    assert lesion_colour(8) == lesion_colour(1)
    with pytest.raises(ValueError, match="background"):
        lesion_colour(0)


def test_drawing_never_touches_pyplot_and_naming_it_loads_nothing(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from RSuperLib.export.view import draw_view
assert "matplotlib" not in sys.modules
import numpy as np
from RSuperLib.agreement.schema import Agreement
from RSuperLib.io import Grid, Volume
from RSuperLib.report.schema import Reading
ct = Volume(np.zeros((8, 8, 3), np.int16), Grid((8, 8, 3), np.eye(4)))
draw_view(Path({str(tmp_path / "view.png")!r}), ct, np.zeros((8, 8, 3), np.uint16), Reading(), Agreement(), "")
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "view.png").stat().st_size > 1000


def test_a_real_lung_tumour(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "ct" / "lung1_001"
    ct, labels = read_ct(folder / "ct.nii.gz"), read_label_map(folder / "tumour.nii.gz").array
    tumour = Lesion(
        label=1, organ="lung", parts=["lung_left"], volume_mm3=158_000, diameters_mm=[95, 81, 63], max_probability=1
    )
    agreement = Agreement(rows=[Row(finding="1", lesion=1, state="agrees")], lesions=[tumour])
    image = picture(tmp_path / "view.png", small_case(ct=ct, labels=labels, agreement=agreement))
    assert near(image[210:1030, 60:890], lesion_colour(1)).sum() > 1000
