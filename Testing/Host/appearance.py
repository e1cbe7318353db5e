"""Slicer's dark and light look, as far as a palette goes (Base/QTGUI/qSlicerDarkStyle.cxx, qSlicerLightStyle.cxx)."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

_ROLES = QPalette.ColorRole
_DARK = {
    _ROLES.Window: "#323232",
    _ROLES.WindowText: "#ffffff",
    _ROLES.Base: "#1e1e1e",
    _ROLES.AlternateBase: "#2b2b2b",
    _ROLES.ToolTipBase: "#323232",
    _ROLES.ToolTipText: "#ffffff",
    _ROLES.Text: "#ffffff",
    _ROLES.Button: "#464646",
    _ROLES.ButtonText: "#ffffff",
    _ROLES.Link: "#5dade2",
    _ROLES.Highlight: "#2a82da",
    _ROLES.HighlightedText: "#ffffff",
    _ROLES.PlaceholderText: "#9a9a9a",
}
_LIGHT = {
    _ROLES.Window: "#efefef",
    _ROLES.WindowText: "#000000",
    _ROLES.Base: "#ffffff",
    _ROLES.AlternateBase: "#f7f7f7",
    _ROLES.ToolTipBase: "#ffffdc",
    _ROLES.ToolTipText: "#000000",
    _ROLES.Text: "#000000",
    _ROLES.Button: "#e1e1e1",
    _ROLES.ButtonText: "#000000",
    _ROLES.Link: "#0057ae",
    _ROLES.Highlight: "#308cc6",
    _ROLES.HighlightedText: "#ffffff",
    _ROLES.PlaceholderText: "#808080",
}
STYLES = {"dark": _DARK, "light": _LIGHT}


def apply(style: str) -> None:
    """Give the application Slicer's dark or light palette."""
    palette = QPalette()
    for role, color in STYLES[style].items():
        palette.setColor(role, QColor(color))
        if role in (_ROLES.WindowText, _ROLES.Text, _ROLES.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#808080"))
    QApplication.setStyle(QStyleFactory.create("Fusion"))
    QApplication.setPalette(palette)
    QApplication.setFont(QFont("DejaVu Sans", 9))
