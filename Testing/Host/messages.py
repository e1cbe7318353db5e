"""Messages of Qt that only say that there is no screen."""

from __future__ import annotations

import sys

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_OFFSCREEN = ("This plugin does not support",)


def quiet() -> None:
    """Print Qt's messages as before, without those of the offscreen plugin."""
    qInstallMessageHandler(_print)


def _print(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    if not text.startswith(_OFFSCREEN):
        print(text, file=sys.stderr)
