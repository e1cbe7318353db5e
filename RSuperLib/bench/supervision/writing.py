"""The summary as files: JSON, a plot, and the table of a README between two marks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from RSuperLib.bench.supervision.arms import ARMS
from RSuperLib.io import write_bytes, write_json, write_whole

_BEGIN, _END = "<!-- made by rsuper bench supervision: begin -->", "<!-- end -->"
#: Two colours that people with any colour vision tell apart (Okabe & Ito 2008): arms with reports, and without.
_WITH_REPORTS, _WITHOUT = "#0072B2", "#E69F00"
_COLUMNS = {"f1": "case F1", "sensitivity": "sensitivity", "specificity": "specificity", "lesion_f1": "lesion F1",
            "dice": "Dice"}  # fmt: skip


def write_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """Write `summary.json`, `summary.png` and the tables of `README.md`."""
    write_json(folder / "summary.json", summary)
    _draw(summary, folder / "summary.png")
    readme = folder / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else f"# Do reports help?\n\n{_BEGIN}\n{_END}\n"
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    tables = "\n".join(_tables(name, one) for name, one in summary["settings"].items())
    write_bytes(readme, f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}".encode())


def _tables(name: str, setting: Mapping[str, Any]) -> str:
    head = ["arm", "learns from", "seeds", *_COLUMNS.values(), "AUC", "min"]
    rows = [head, ["---"] * len(head)]
    for arm, one in setting["arms"].items():
        cells = [_cell(one[column]) for column in _COLUMNS]
        minutes = f"{one['seconds'] / 60:.0f}"
        rows.append([arm, ARMS[arm].text, str(len(one["seeds"])), *cells, f"{one['auc']:.3f}", minutes])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    told = [f"* F1 {pair}: {_cell(one)}" for pair, one in setting["f1_differences"].items() if one]
    if setting["recovered"]:
        told.append(f"* (c) recovers {_cell(setting['recovered'])} of (d) - (a)")
    return "\n".join([f"### {name}", "", *lines, "", *told, ""])


def _cell(one: Mapping[str, float | None]) -> str:
    if one["value"] is None:
        return "-"
    return f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"


def _draw(summary: Mapping[str, Any], path: Path) -> None:
    """Case F1 of every arm with its interval, one panel a setting."""
    from matplotlib.figure import Figure

    settings = summary["settings"]
    rows = max((len(one["arms"]) for one in settings.values()), default=1)
    figure = Figure(figsize=(5.5 * max(1, len(settings)), 1.5 + 0.4 * rows), layout="constrained")
    panels = figure.subplots(1, max(1, len(settings)), squeeze=False)[0]
    for axes, (name, setting) in zip(panels, settings.items(), strict=False):
        for row, (arm, one) in enumerate(reversed(setting["arms"].items())):
            with_reports = ARMS[arm].others in ("truth", "reader", "permuted")
            style = {"color": _WITH_REPORTS, "marker": "o"} if with_reports else {"color": _WITHOUT, "marker": "s"}
            f1 = one["f1"]
            axes.plot([f1["low"], f1["high"]], [row, row], color=style["color"], linewidth=2)
            axes.plot(f1["value"], row, markersize=8, **style)
            axes.plot(one["f1_of_seeds"], [row] * len(one["f1_of_seeds"]), ".", color="black", markersize=4)
        labels = [f"{arm}: {ARMS[arm].text}" for arm in reversed(setting["arms"])]
        axes.set_yticks(range(len(labels)), labels)
        axes.set(
            title=f"{name} (blue circles: with reports)", xlabel="case F1, 95 % interval; dots: seeds", xlim=(0, 1)
        )
        axes.grid(axis="x", alpha=0.3)
    write_whole(path, lambda temporary: figure.savefig(temporary, dpi=110))
