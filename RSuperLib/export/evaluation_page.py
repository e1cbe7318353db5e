"""The figures of an evaluation as one HTML file with its plots inside, for people who know no statistics by heart."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

_BLUE, _GREY = "#1f6fb2", "#8a94a0"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
td,th{border-bottom:1px solid #d5dce3;padding:.3rem .8rem;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}.note{color:#5a6673}
"""
_CASE = {
    "sensitivity": "Of the patients with a lesion, called positive",
    "specificity": "Of the patients without one, called negative",
    "f1": "F1: both kinds of error in one figure",
    "auc": "AUC: how well scores order patients (0.5 = by chance)",
}
_LESION = {
    "recall": "Of the true lesions, found",
    "precision": "Of the lesions marked, true",
    "f1": "F1 of lesions",
    "dice": "Dice of a true lesion, missed ones as 0",
}
_VOXEL = {
    "dice": "Dice",
    "surface_dice": "Surface Dice at 2 mm",
    "hausdorff_95_mm": "95 % Hausdorff distance, mm",
    "volume_error_mm3": "Volume error, mm³ (marked minus true)",
    "relative_volume_error": "Volume error, share of the true volume",
}
_PAIRED = {"f1": "F1 of cases", "dice": "Dice", "surface_dice": "Surface Dice at 2 mm"}


def evaluation_page(result: Mapping[str, Any]) -> str:
    """The page; it loads nothing from anywhere.

    Args:
        result: of `RSuperLib.evaluation.summary.summarise`, with "against" where two models were compared.
    """
    parts = [
        f"<h1>How good are the masks?</h1><p>{result['cases']} cases, {result['cases_with_masks']} of them with masks "
        f"by people; of {result['cases_without_truth']} the report does not say whether there is a lesion, and they "
        "are not counted. Brackets hold 95 % intervals: what chance would make of another set of such cases. "
        "A research tool, not a medical device.</p>",
        _section("Patients: is there a lesion?", _CASE, result["case_level"], _threshold_note(result["case_level"])),
        _picture(_roc(result["rows"]), "ROC curve of the cases"),
        _section("Lesions: are they found?", _LESION, result["lesion_level"],
                 "A lesion is found if one that was marked in the same organ overlaps it, one to one, with an "
                 "intersection over union of at least 0.1."),
        _picture(_lesion_plots(result), "Free-response curve, and F1 by size of lesion"),
        _section("Outlines: how good are they?", _VOXEL, result["voxel_level"],
                 "Means over the cases with a true lesion; where nothing was marked, Dice and surface Dice are 0."),
    ]  # fmt: skip
    if "against" in result:
        note = "This model minus the other one, on the same cases. Where the brackets hold 0, chance may explain it."
        parts.append(_section("Compared with the other model", _PAIRED, result["against"], note))
    parts.append(_cases(result["rows"]))
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Evaluation</title><style>{_STYLE}</style>' + (
        "\n".join(parts) + "</html>\n"
    )


def _threshold_note(figures: Mapping[str, Any]) -> str:
    if "threshold" not in figures:
        return "No threshold was given, so that no patient is called positive or negative."
    return (
        f"A patient is called positive if the largest lesion's volume times its mean probability is at least "
        f"{figures['threshold']:.3g} mm³, a threshold that was not chosen on these cases."
    )


def _section(title: str, words: Mapping[str, str], figures: Mapping[str, Any], note: str) -> str:
    rows = "".join(
        f'<tr><td>{words[name]}</td><td class="n">{_in_words(figures[name])}</td></tr>'
        for name in words
        if name in figures
    )
    return f'<h2>{title}</h2><p class="note">{note}</p><table>{rows or "<tr><td>nothing to count</td></tr>"}</table>'


def _in_words(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "nothing to count"
    counts = f" · {figure['part']} of {figure['whole']}" if 0 < figure.get("whole", 0) < 1000 else ""
    return f"{figure['value']:.3g} [{figure['low']:.3g} to {figure['high']:.3g}]{counts}"


def _cases(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in ("case", "truth", "score, mm³", "Dice", "lesions", "marked besides"))
    words = {True: "lesion", False: "none", None: "not told"}
    body = "".join(
        f"<tr><td>{html.escape(row['case'])}</td><td>{words[row['truth']]}</td>"
        + "".join(f'<td class="n">{_number(row[name])}</td>' for name in ("score", "dice", "lesions", "false"))
        + "</tr>"
        for row in rows
    )
    return f"<details><summary>Every case</summary><table><tr>{head}</tr>{body}</table></details>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _roc(rows: Sequence[Mapping[str, Any]]) -> Figure:
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    axes = figure.subplots()
    told = [row for row in rows if row["truth"] is not None]
    with_lesion = [row["score"] for row in told if row["truth"]]
    without = [row["score"] for row in told if not row["truth"]]
    if with_lesion and without:
        steps = sorted({*with_lesion, *without}, reverse=True)
        false = [0.0, *(sum(one >= step for one in without) / len(without) for step in steps)]
        hits = [0.0, *(sum(one >= step for one in with_lesion) / len(with_lesion) for step in steps)]
        axes.plot(false, hits, color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle=":")
    axes.set(xlabel="share of patients without lesion called positive", ylabel="share of patients with lesion found",
             xlim=(0, 1), ylim=(0, 1.02))  # fmt: skip
    return figure


def _lesion_plots(result: Mapping[str, Any]) -> Figure:
    figure = Figure(figsize=(9.4, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    curve = [[0.0, 0.0], *result["free_response"]]
    left.plot([point[0] for point in curve], [point[1] for point in curve], color=_BLUE, marker=".")
    left.set(xlabel="falsely marked lesions per case", ylabel="share of true lesions found", ylim=(0, 1.02))
    bands = {
        name.removeprefix("f1_").replace("_", " "): one
        for name, one in result["lesion_level"].items()
        if name.startswith("f1_") and one["value"] is not None
    }
    for place, one in enumerate(bands.values()):
        right.bar(place, one["value"], color=_BLUE, width=0.6)
        right.plot([place, place], [one["low"], one["high"]], color="black")
    right.set_xticks(range(len(bands)), list(bands))
    right.set(ylabel="F1 of lesions", ylim=(0, 1.02), title="by size of the lesion")
    return figure


def _picture(figure: Figure, caption: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<p><img alt="{caption}" src="data:image/png;base64,{data}"></p>'
