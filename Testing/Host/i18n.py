"""`slicer.i18n`: the host speaks English, so a translation is its source."""

from __future__ import annotations


def tr(text: str) -> str:
    """The text itself. Slicer takes the context from the caller's file."""
    return _checked(text)


def translate(context: str, text: str) -> str:
    """The text itself."""
    return _checked(text)


def getContext(sourceFile: str) -> str:
    """Slicer's context name of a file; the host knows no translations."""
    return sourceFile.rpartition("/")[2].removesuffix(".py")


def _checked(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a translated text has to be a str, not {type(text).__name__}")
    return text
