"""Names of people, known by where they stand: after a title, a label or a word that tells who spoke with whom, before a
degree, in the block of signatures; and wherever a name that was found so stands again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from RSuperLib.report.deidentify.changes import Change, change
from RSuperLib.report.deidentify.shapes import INITIALS, LETTER, TIED_PARTICLE, WORD, Found, is_strange
from RSuperLib.report.deidentify.structure import names_by_structure
from RSuperLib.report.deidentify.words import Words, common_words

_PIECE = re.compile(rf"(?:(?P<initials>{INITIALS})(?!\w{{3}})|(?P<word>['’]?{WORD}))")
_MOST_PIECES = 6
#: Titles that, in capitals and without a full stop, mean something else: magnetic resonance, multiple sclerosis.
_ABBREVIATIONS = frozenset({"MR", "MS", "MISS", "ATTENDING", "NURSE", "RESIDENT", "FELLOW", "COLLEGA"})
#: Characters after a word such as "discussed" in which the person may be named.
_REACH = 170
#: Lines of the block of signatures, counted from what begins it.
_SIGNATURE_LINES = 4


def name_changes(text: str, words: Words, others: Sequence[Change] = ()) -> Iterator[Change]:
    """Every name that its surroundings give away, then every other place where a part of it stands.

    Args:
        text: the report.
        words: of its language.
        others: identifiers that other rules found.
    """
    finder = _NameFinder(text, words)
    found = [one for one in finder.find() if one.end > one.start]
    found += [one for one in names_by_structure(text, words, others, found) if one.end > one.start]
    seeds = [Found(one.start, one.end, one.rule) for one in others if one.kind == "name"]
    for one in [*found, *_again(text, [*found, *seeds], words)]:
        yield change(text, (one.start, one.end), "[NAME]", "name", one.rule)


class _NameFinder:
    """Looks for names in one text."""

    def __init__(self, text: str, words: Words) -> None:
        self._text, self._words = text, words
        self._shouting: dict[int, bool] = {}
        self._lower = frozenset(re.findall(r"(?<![\w'’.@-])[^\W\d_A-Z]{3,}(?![\w'’@-])", text))

    def find(self) -> Iterator[Found]:
        """Names, those of the surest rules first."""
        for match in _LABELLED_INITIALS.finditer(self._text):
            yield Found(match.start("all"), match.end("all"), "initials_labelled")
        yield from self._after_titles()
        yield from self._after_labels()
        yield from self._before_credentials()
        yield from self._with_ages()
        yield from self._after_cues()
        yield from self._after_kin()
        yield from self._header()
        yield from self._by_shape()
        yield from self._signatures()

    def _after_titles(self) -> Iterator[Found]:
        for match in _titles(self._words).finditer(self._text):
            shouted = (
                match.group().isupper() and "." not in match.group() and match.group().strip() not in ("DR", "DRS")
            )
            end = self._walk(match.end(), title=not shouted, commas=False)
            if end is None and match.group()[0].islower():
                end = self._lower_case_name(match.end())
            if end is not None and not (shouted and match.group().strip() in _ABBREVIATIONS):
                yield from self._and_others(Found(match.end(), end, "name_after_title"), commas=False)

    def _after_labels(self) -> Iterator[Found]:
        for match in _labels(self._words).finditer(self._text):
            start = self._past_titles(match.end())
            end = self._walk(start, commas=True, label=True)
            if end is None:
                end = self._lower_case_value(start)
            if end is not None:
                yield from self._and_others(Found(start, end, "name_after_label"), commas=True)

    def _and_others(self, first: Found, *, commas: bool) -> Iterator[Found]:
        """The name, and those joined to it: `A. Smith, B. Jones and C. Brown`."""
        yield first
        joint = re.compile(
            r"\s*(?:[;/&]|,(?:\s*(?:and|en))?|\band\b|\ben\b)\s*" if commas else r"\s*(?:/|&|\band\b|\ben\b)\s*"
        )
        end = first.end
        while match := joint.match(self._text, end):
            start = self._past_titles(match.end())
            next_end = self._walk(start, commas=False)
            if next_end is None:
                return
            yield Found(start, next_end, first.rule)
            end = next_end

    def _before_credentials(self) -> Iterator[Found]:
        for match in _credentials(self._words).finditer(self._text):
            start = self._walk_back(match.start())
            if start is not None:
                yield Found(start, match.start(), "name_before_credential")

    def _with_ages(self) -> Iterator[Found]:
        """`Jane Roe is a 64-year-old`."""
        for match in _AGE.finditer(self._text):
            start = self._walk_back(match.start())
            if start is not None and len(re.findall(WORD, self._text[start : match.start()])) > 1:
                yield Found(start, match.start(), "name_before_age")

    def _after_cues(self) -> Iterator[Found]:
        """`discussed with the surgeon on call, Jane Roe, by telephone`."""
        for match in _cues(self._words).finditer(self._text):
            stop = self._sentence_end(match.start())
            before = _before_names(self._words)
            for place in before.finditer(self._text, match.start(), stop):
                start = self._past_small_words(place.end(), stop)
                end = self._walk(start, commas=False)
                end = end and self._with_given_name(start, end)
                if end and self._is_likely(start, end):
                    yield from self._and_others(Found(start, end, "name_after_cue"), commas=False)

    def _with_given_name(self, start: int, end: int) -> int:
        """Up to the given name in `Signed by Roe, Jane`, which ends its line."""
        longer = self._walk(start, commas=True) or end
        return longer if re.compile(r"[ \t]*(?:$|\n|\s(?:on|op|at|om)\s|\d|,)").match(self._text, longer) else end

    def _after_kin(self) -> Iterator[Found]:
        for match in _kin(self._words).finditer(self._text):
            end = self._walk(match.end(), commas=False)
            if end is not None and self._is_likely(match.end(), end):
                yield Found(match.end(), end, "name_after_relative")

    def _header(self) -> Iterator[Found]:
        """`DOE, JANE A` at the begin of one of the first lines."""
        for line in _lines(self._text)[:8]:
            match = re.compile(rf"\s*(?P<all>{WORD}(?:[ ]{WORD})?,[ ]?{WORD}(?:[ ]{LETTER}\.?)?)").match(
                self._text, line.start, line.end
            )
            if not match:
                continue
            rest = self._text[match.end() : line.end]
            pieces = re.findall(WORD, match["all"])
            alone = not rest.strip() or re.match(r"\s{2}|\s*[|(\t;,/]|\s*[-–]?\s*\d|\s+(?:MRN|DOB|ID)\b", rest)
            if alone and all(len(piece) == 1 or (piece[0].isupper() and self._may_be_name(piece)) for piece in pieces):
                yield Found(match.start("all"), match.end("all"), "name_in_header")

    def _by_shape(self) -> Iterator[Found]:
        """Two words with capitals in a row, or initials before one, where neither is a word of reports or an eponym."""
        place = 0
        while match := _PIECE.search(self._text, place):
            place = match.end()
            if match.start() and (self._text[match.start() - 1].isalnum() or self._text[match.start() - 1] in "-/.'’"):
                continue
            end = self._walk(match.start(), commas=False)
            if end is not None and not self._is_shouting(match.start()) and self._has_shape(match.start(), end):
                place = end
                yield Found(match.start(), end, "name_by_shape")

    def _has_shape(self, start: int, end: int) -> bool:
        pieces = list(_PIECE.finditer(self._text, start, end))
        found = [piece.group() for piece in pieces if piece["word"]]
        long = [word for word in found if len(word) > 1 and not word.islower()]
        led = [word for word in found if word.islower()]
        particles = len(led) > 1 or (len(led) == 1 and led[0] not in self._words.stop)
        if not long or not (len(long) > 1 or pieces[0]["initials"] or len(found) > 1 + len(led) or particles):
            return False
        if self._text[end : end + 1] in (":", "®", "™") or all(word.isupper() for word in long):
            return False
        if any(word in ("II", "III", "IV", "VI", "VII", "VIII") for word in long):
            return False  # a stage, a segment
        halves = {half for word in long for half in (word.lower(), *word.lower().split("-"))}
        return not halves & common_words().eponyms and not any(map(_MEDICAL.search, halves))

    def _signatures(self) -> Iterator[Found]:
        lines = _lines(self._text)
        last = [number for number, line in enumerate(lines) if self._text[line.start : line.end].strip()][-2:]
        wanted = set(last) if len(lines) > 3 else set()
        for number, line in enumerate(lines):
            if number >= len(lines) // 3 and _closings(self._words).match(self._text, line.start, line.end):
                wanted |= set(range(number, number + _SIGNATURE_LINES + 1))
                wanted |= {number - 1}
        for number in sorted(wanted):
            if 0 <= number < len(lines):
                yield from self._signature_line(lines[number])

    def _signature_line(self, line: _Line) -> Iterator[Found]:
        """A line that is only a name, or the initials of speaker and typist: `JS/mk`."""
        text = self._text[line.start : line.end]
        for match in _TYPIST.finditer(self._text, line.start, line.end):
            yield Found(match.start("all"), match.end("all"), "initials_of_typist")
        start = line.start + len(text) - len(text.lstrip(" \t-–_/*.:"))
        start = self._past_titles(start)
        end = self._walk(start, commas=True)
        if end is not None and not re.search(r"\w", _TRAILER.sub("", self._text[end : line.end])):
            yield Found(start, end, "name_in_signature")

    def _walk(self, place: int, *, commas: bool, title: bool = False, label: bool = False) -> int | None:
        """End of the name that begins here, or None.

        Args:
            place: where the name may begin; blanks are skipped.
            commas: whether `Roe, Jane` is one name.
            title: whether a title stands before, so that the first word is a name though it may mean something else.
            label: whether a label stands before, so that the word may also stand in small letters elsewhere.
        """
        place = end = _skip_blanks(self._text, place)
        pieces = strong = 0
        comma = False
        while pieces < _MOST_PIECES and (match := _PIECE.match(self._text, place)):
            if not self._is_piece(match, first=pieces == 0, title=title and strong == 0, sure=title or label):
                break
            small = not TIED_PARTICLE.sub("", match.group())[:1].isupper()
            pieces += 1
            if not small:
                strong += match["word"] is not None and len(match.group()) > 1
                end = match.end()
            place = _skip_blanks(self._text, match.end())
            if commas and not comma and strong and re.match(rf",[ ]?(?:{LETTER})", self._text[place : place + 3]):
                comma, place = True, _skip_blanks(self._text, place + 1)
            elif self._is_wrapped(place):
                place += 1
        return end if strong or (title and pieces and end > 0 and self._text[end - 1] == ".") else None

    def _is_piece(self, match: re.Match[str], *, first: bool, title: bool, sure: bool) -> bool:
        """Whether a word may go on a name, or begin one."""
        text = match.group()
        if match["initials"]:
            degree = text in ("Dr.", "DR.", "M.D.", "I.V.") and not self._leads_to_name(match.end())
            return text[0].isupper() and not degree
        if len(text) == 1 and text.isupper():
            return not first or self._leads_to_name(match.end())
        word = _plain(TIED_PARTICLE.sub("", text))
        if word in common_words().particles and not (text.isupper() and word in self._words.stop):
            return self._leads_to_name(match.end())
        capital = TIED_PARTICLE.sub("", text).strip("'’")[:1].isupper()
        if title:
            common = word in self._words.not_names and self._is_shouting(match.start())
            return capital and word not in self._words.stop and not common
        suffix = word in common_words().suffixes and not first
        return suffix or (capital and self._may_be_name(text, sure=sure or not first))

    def _may_be_name(self, text: str, *, sure: bool = False) -> bool:
        """Whether a capitalised word may be part of a name: no word of reports and, unless sure, never small here."""
        word = _plain(text)
        if self._is_common(word) or word.rstrip("s") in self._words.not_names:
            return False
        halves = re.split(r"[-‐‑–]", word)
        if len(halves) > 1 and (halves[0] in common_words().prefixes or all(map(self._is_common, halves))):
            return False
        return sure or word not in self._lower

    def _is_common(self, word: str) -> bool:
        return word in self._words.not_names or word in self._words.stop

    def _leads_to_name(self, place: int) -> bool:
        """Whether a particle or a letter is followed by more of a name, be it after further particles."""
        for _ in range(_MOST_PIECES):
            match = _PIECE.match(self._text, _skip_blanks(self._text, place))
            if not match:
                return False
            word = match.group().strip("'’")
            if word.lower() not in common_words().particles or len(match.group()) == 1:
                capital = TIED_PARTICLE.sub("", word)[:1].isupper()
                return capital and self._may_be_name(match.group(), sure=True)
            place = match.end()
        return False

    def _walk_back(self, place: int) -> int | None:
        """Begin of the name that ends here, or None."""
        line = max(self._text.rfind("\n", 0, place) + 1, place - 60)
        begin: int | None = None
        pieces = list(_PIECE.finditer(self._text, line, place))
        end = place
        for match in reversed(pieces):
            if self._text[match.end() : end].strip(" ,\t") or (
                begin is not None and "," in self._text[match.end() : end]
            ):
                break
            particle = match.group().lower() in common_words().particles and begin is not None
            if not particle and not self._is_piece(match, first=True, title=False, sure=False):
                break
            begin = begin if particle and match.group().islower() and not self._goes_on(match, line) else match.start()
            end = match.start()
        name = self._text[begin:place] if begin is not None else ""
        return begin if any(len(word) > 1 for word in re.findall(WORD, name)) else None

    def _goes_on(self, match: re.Match[str], line: int) -> bool:
        """Whether a particle joins a name before it, or begins a surname such as `de Vries`."""
        return match.start() >= line

    def _is_likely(self, start: int, end: int) -> bool:
        """After a mere cue: two words, or one that looks like a name only, and no eponym, no title of a section."""
        name = self._text[start:end]
        found = re.findall(WORD, name)
        if re.match(r"\s*:", self._text[end : end + 3]):
            return False
        if any(word.lower() in common_words().eponyms for word in found) and len(found) == 1:
            return False
        if self._is_shouting(start):
            return any(len(word) > 2 and is_strange(word, self._words) for word in found)
        return len(found) > 1 or not found[0].isupper() or len(found[0]) > 4

    def _past_titles(self, place: int) -> int:
        while match := _titles(self._words).match(self._text, _skip_blanks(self._text, place)):
            place = match.end()
        return _skip_blanks(self._text, place)

    def _past_small_words(self, place: int, stop: int) -> int:
        """After `with`: past `the referring surgeon,` and titles, to what may be a name."""
        small = re.compile(r"[ ]?,?[ ]?\n?(?:[a-z][\w/'’-]*)(?=[\s,:])")
        taken = 0
        while taken < 5 and (match := small.match(self._text, place, stop)):
            if match.group().strip(" ,\n") in common_words().particles and self._leads_to_name(match.end()):
                break
            place, taken = match.end(), taken + 1
        gap = re.compile(r"[ ]?[,(:]?[ ]?").match(self._text, place)
        place = gap.end() if gap else place
        return self._past_titles(place + 1 if self._is_wrapped(place) else place)

    def _sentence_end(self, place: int) -> int:
        match = re.compile(r"\n\s*\n|(?<=[a-z0-9)]{3})\.\s+[A-Z]").search(self._text, place, place + _REACH)
        return match.start() if match else min(len(self._text), place + _REACH)

    def _lower_case_name(self, place: int) -> int | None:
        """After a title in small letters: `dr. de vries`."""
        match = re.compile(rf"[ ]?(?:{LETTER}\.[ ]?)*((?:{WORD}[ ])??{WORD})").match(self._text, place)
        if not match:
            return None
        for one in re.compile(WORD).finditer(self._text, place, match.end() + 20):
            word = one.group().lower()
            if word not in common_words().particles:
                return None if self._is_common(word) else one.end()
        return None

    def _lower_case_value(self, place: int) -> int | None:
        """After a label: a line of two or three words in small letters that are no words of reports."""
        match = re.compile(rf"({WORD})(,?[ ]{WORD}){{1,2}}(?=[ \t]*(?:\n|$|\s{{2}}|[;|(]))").match(self._text, place)
        if not match or not match.group().islower():
            return None
        found = re.findall(WORD, match.group())
        known = [word for word in found if word in self._words.stop or word in self._words.not_names]
        return None if set(known) - common_words().particles else match.end()

    def _is_wrapped(self, place: int) -> bool:
        """Whether the line ends here only because it was full, in the middle of a name."""
        if self._text[place : place + 1] != "\n":
            return False
        full = place - (self._text.rfind("\n", 0, place) + 1) > 60
        match = _PIECE.match(self._text, place + 1)
        return full and match is not None and not re.match(r"[ \t]*:", self._text[match.end() : match.end() + 4])

    def _is_shouting(self, place: int) -> bool:
        """Whether the line is in capitals, so that they do not tell a name."""
        start = self._text.rfind("\n", 0, place) + 1
        if start not in self._shouting:
            end = self._text.find("\n", place)
            letters = [c for c in self._text[start : end if end >= 0 else None] if c.isalpha()]
            self._shouting[start] = len(letters) > 12 and sum(c.isupper() for c in letters) > 0.8 * len(letters)
        return self._shouting[start]


def _plain(word: str) -> str:
    """A word in small letters, without the genitive."""
    return word.lower().strip("'’").removesuffix("'s").removesuffix("’s")


@dataclass(frozen=True)
class _Line:
    start: int
    end: int


_AGE = re.compile(
    r"[,]?\s+(?:is\s+|was\s+)?(?:an?\s+|een\s+)?\d{1,3}[\s-]?(?:years?|yrs?|yo\b|y/o|y\.o|jarige|jaar)", re.IGNORECASE
)
_LABELLED_INITIALS = re.compile(
    r"\b(?:[Ii]nitials?|INITIALS?|[Ii]nitialen)\b[^\n:=]{0,20}[:=][ \t]*"
    r"(?P<all>(?:[A-Z]\.?[ ]?){1,4}(?:/[A-Za-z]{2,4})?)(?![\w/])"
)
_TYPIST = re.compile(
    r"(?:^|(?<=[\s|;=:]))(?P<all>[A-Z]{2,4}[/:][a-z]{2,4}|[A-Z]{2,3}/[A-Z]{2,3}|(?<=/)[a-z]{2,3})(?=[\s.;|]|$)"
)
#: Endings of medical and learned words; few names have them.
_MEDICAL = re.compile(
    r".{2}(?:itis|oma|omas|osis|oses|ectomy|ostomy|otomy|plasty|gra[pm]h?[yi]?c?|graphy|scopy|pathy|emia|uria|[ts]ions?|ical"
    r"|[aei]tous|ular|ments?|ology|ologist|ectasis|megaly|lateral|trophy|genic|cele|algia|cillin|mycin|[ao]tic|ous|eal|..(?<!l)ings?"
    r"|ated|ized|ised|ness|ity|ities|atie|ingen|heid|isch|ische|atisch|itief|logie|grafie|scopie)$"
)
#: What may stand after a name in the block of signatures.
_TRAILER = re.compile(
    r"[,(]?\s*(?:M\.?D\.?|D\.?O\.?|Ph\.?D\.?|[A-Z]{2,6}|[Rr]adiolog\w*|[Cc]onsultant\w*|[Aa]ttending|[Rr]esident"
    r"|[Aa]rts\w*|\d[\d:./ -]*"
    r"|[Aa]t|[Oo]n|\[[^\]]*\])[\s.,)]*"
)


def _lines(text: str) -> list[_Line]:
    lines, start = [], 0
    for line in text.splitlines(keepends=True):
        lines.append(_Line(start, start + len(line.rstrip("\r\n"))))
        start += len(line)
    return lines


def _skip_blanks(text: str, place: int) -> int:
    """Past the blanks that the words of one name may have between them."""
    most = 2 if text[max(place - 1, 0) : place] in (".", ",") else 1
    while most and text[place : place + 1] in (" ", "\u00a0"):
        place, most = place + 1, most - 1
    return place


def _again(text: str, found: list[Found], words: Words) -> Iterator[Found]:
    """Other places of the found names: `Smith` after `Dr. John Smith`; not a word that is an eponym or common here."""
    known: set[str] = set()
    for one in found:
        known.update(word.removesuffix("'s") for word in re.findall(WORD, text[one.start : one.end]))
    known = {word for word in known if _is_telling(word, text, words)}
    if not known:
        return
    spelled = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    for match in re.finditer(rf"(?<![\w'’-])(?:{spelled})(?![\w-])", text, re.IGNORECASE):
        short = len(match.group()) < 4 and match.group() not in known
        if not short and (match.group()[0].isupper() or match.group() in known):
            yield Found(match.start(), match.end(), "name_again")


def _is_telling(word: str, text: str, words: Words) -> bool:
    lower = word.lower()
    if len(word) < 2 or lower in common_words().eponyms or lower in words.stop or lower in words.not_names:
        return False
    if lower in common_words().particles or lower in common_words().suffixes:
        return False
    if word.isupper() and not is_strange(word, words):
        return False
    return not re.search(rf"(?<![\w'’-]){re.escape(lower)}(?![\w'’-])", text) or word.islower()


@cache
def _titles(words: Words) -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w./-])(?:{words.titles}|{_shouted(words.titles)}|dr|prof|mr|mrs)(?:\.[ ]?|[ \t]+|\n(?=[A-Z]))(?!\s*:)"
    )


@cache
def _labels(words: Words) -> re.Pattern[str]:
    return re.compile(
        rf"(?:^|(?<=[\n\t|;,])|(?<=\s\s)|(?<=[.)\]]\s)|(?<=\d\s))[ \t*>#-]*(?:{words.name_labels})"
        rf"(?:\s?\([^)\n]{{0,20}}\))?[ \t]*(?:[:=|]|[ \t]-[ \t])[ \t]*",
        re.IGNORECASE | re.MULTILINE,
    )


@cache
def _credentials(words: Words) -> re.Pattern[str]:
    """A degree after a comma, or one that is no other word without."""
    return re.compile(
        rf"(?:,[ ]?|[ ](?=M\.?D\b|R\.?N\b|Ph\.?D|F?RC[RS]|MB)|[ ]\((?=[A-Za-z]))(?:{words.credentials})(?![\w-])"
    )


@cache
def _cues(words: Words) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words.cues})(?!\w)", re.IGNORECASE)


@cache
def _before_names(words: Words) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{words.before_names})(?!\w)", re.IGNORECASE)


@cache
def _kin(words: Words) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){words.kin}(?:,|\s\(|\s-)?[ ]", re.IGNORECASE)


@cache
def _closings(words: Words) -> re.Pattern[str]:
    return re.compile(rf"[\s*_(-]*(?:{words.closings})(?!\w)", re.IGNORECASE)


def _shouted(pattern: str) -> str:
    """A pattern of words in capitals; its classes and escapes stay."""
    return re.sub(
        r"\\.|\[[^\]]*\]|\(\?:|[a-z]+", lambda m: m.group() if m.group()[0] in "\\[(" else m.group().upper(), pattern
    )
