"""A language is data: the same files and keys for each, patterns that compile, and no words of any in the code."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import RSuperLib.report as package
from RSuperLib.report import read_report
from RSuperLib.report.layout import Layout
from RSuperLib.report.lexicon import FUNCTION_WORDS, load_language, phrase, supported_languages
from RSuperLib.report.normalise import lower_plain, normalise
from RSuperLib.report.place import LIVER_PARTS, LUNG_PARTS, PANCREAS_PARTS
from RSuperLib.report.schema import StatedOrgan
from RSuperLib.report.vocabulary import Vocabulary

HERE = Path(package.__file__).parent
LANGUAGES = sorted(folder.name for folder in (HERE / "languages").iterdir() if folder.is_dir())
#: Their keys are words of the language or a choice of organs, not names that the code asks for.
FREE_KEYS = {"ectomies", "organ_of_head", "beside_organ", "counts"}
#: The modules that look for words in a report.
READERS = (
    "assemble", "compounds", "finish", "language", "layout", "lexicon", "measurements", "mentions", "merge",
    "normalise", "place", "reader", "statements", "vocabulary",
)  # fmt: skip
#: Plain names that every language leads to, ids of lesions, a file.
PLAIN_NAMES = {*LIVER_PARTS, *PANCREAS_PARTS, *LUNG_PARTS, "segment ", r"segment (\d+)[AB]?", "lesion ", FUNCTION_WORDS}
ROMAN_NUMBERS = {"ii", "iii", "iv", "vi", "vii", "viii"}
#: Functions whose argument is looked for in a text; elsewhere a bare word is the name of a state ("gone").
SEARCHES = {
    "compile", "search", "match", "fullmatch", "finditer", "findall", "split", "sub", "replace", "find", "startswith",
    "endswith", "removeprefix", "removesuffix", "phrase",
}  # fmt: skip


def _files(code: str) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text("utf-8")) for path in (HERE / "languages" / code).iterdir()}


def _shape(data: Any) -> Any:
    """The keys of nested objects that the code relies on."""
    if not isinstance(data, dict):
        return type(data).__name__
    return {key: "words" if key in FREE_KEYS else _shape(value) for key, value in data.items()}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_has_the_same_files_and_keys(code: str) -> None:
    assert _shape(_files(code)) == _shape(_files("en"))
    assert code in supported_languages()


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_pattern_compiles_and_no_entry_is_empty_by_a_slip(code: str) -> None:
    language = load_language(code)
    Vocabulary(language).sizes.find("12 x 3 mm, 4 mm")
    assert Layout(language).sentences(normalise("Lever: 3\n- Liver: 4 mm. (1) x"))
    for name, data in _files(code).items():
        for text in _texts(data):
            assert "||" not in text, (name, text)
            assert not text.startswith("|"), (name, text)
            assert not text.endswith("|"), (name, text)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_data_are_written_as_the_text_is_compared(code: str) -> None:
    """Entries meet a text in lower case without accents; a capital or an accent in one could never match."""
    for name, data in _files(code).items():
        for text in _texts(data):
            words = re.sub(r"\\[a-zA-Z]", "", text)
            assert words == lower_plain(words), (name, text)


@pytest.mark.parametrize("code", LANGUAGES)
def test_organs_and_parts_have_the_names_that_readings_use(code: str) -> None:
    anatomy, rows = load_language(code).anatomy, load_language("en").anatomy["places"]
    assert set(anatomy["organs"]) <= set(get_args(get_args(StatedOrgan)[0])) | {"upper_abdomen"}
    named = {part for row in rows for part in _parts(row)}
    own_words = [phrase(row["words"]) for row in rows if row["part"] == "="]
    for row in anatomy["places"]:
        assert set(row["organs"]) <= set(anatomy["organs"]), row
        for part in _parts(row):
            assert part in named or any(words.fullmatch(part) for words in own_words), row


def _parts(row: dict[str, Any]) -> list[str]:
    return [row["part"]] if isinstance(row["part"], str) else row["part"]


@pytest.mark.parametrize("module", READERS)
def test_the_code_holds_no_words_of_a_language(module: str) -> None:
    tree = ast.parse((HERE / f"{module}.py").read_text("utf-8"))
    spoken = {word for code in LANGUAGES for text in _texts(_files(code)) for word in _words(text)} - ROMAN_NUMBERS
    found = {text: sorted(_words(text) & spoken) for text in _strings(tree) if text not in PLAIN_NAMES}
    assert {text: words for text, words in found.items() if words} == {}


def test_the_search_for_words_finds_them() -> None:
    (joins, word) = _strings(ast.parse('"""Doc."""\nJOIN = r" and |gone"\nSTATE = "gone"\nx.startswith("no")\n'))
    assert (_words(joins), _words(word)) == ({"and", "gone"}, {"no"})


def test_a_word_split_over_two_lines_or_accented_is_the_same_word() -> None:
    text = "A 12\u00a0mm nódule and a 9 mm nodu\u0301le in the left lung."
    assert [finding.diameters_mm for finding in read_report(text).findings] == [[12], [9]]


def _texts(data: Any) -> Iterator[str]:
    """All entries of a data file."""
    if isinstance(data, dict):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value)
    elif isinstance(data, str):
        yield data


def _strings(tree: ast.AST) -> Iterator[str]:
    """Strings of a module that may be looked for in a text: no docstrings, and no bare names (`organ_in_words`)."""
    nodes = list(ast.walk(tree))
    spoken = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    sought = {
        id(argument)
        for node in nodes
        if isinstance(node, ast.Call) and _name(node) in SEARCHES
        for argument in node.args
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken:
            bare = re.fullmatch(r"[a-z_+]+", node.value) is not None
            if not bare or (id(node) in sought and "_" not in node.value):
                yield node.value


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _words(text: str) -> set[str]:
    plain = re.sub(r"\\[a-zA-Z]|\(\?P?<\w+>|\[[^\]]*\]", " ", text)
    return set(re.findall(r"[a-z]{2,}", plain))
