"""How well a user's column name and values fit each canonical column."""

import re
import unicodedata
from difflib import SequenceMatcher
from functools import cache

import polars as pl

from plimsoll.domain.tables import Column
from plimsoll.ingest.coerce import coerce
from plimsoll.ingest.mapping import Cell
from plimsoll.ingest.numbers import decimal_sign
from plimsoll.ingest.vocabulary import words

SAMPLE = 1000
FITTING = 0.8
SAME, KNOWN, CONTAINED, SIMILAR = 1.0, 0.95, 0.75, 0.85
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
CURRENCIES = frozenset({"eur", "usd", "gbp", "chf", "euro"})
UNITS = {
    "d": "days", "day": "days", "days": "days", "tage": "days", "dagen": "days", "jours": "days",
    "wk": "weeks", "wks": "weeks", "week": "weeks", "weeks": "weeks", "wochen": "weeks", "weken": "weeks",
    "semaines": "weeks", "month": "months", "months": "months", "monate": "months", "maanden": "months",
    "mois": "months", "pct": "percent", "percent": "percent", "prozent": "percent",
}  # fmt: skip


def plain(header: str) -> str:
    """Return a header as lower-case words: no accents, signs, camel case or currency.

    Examples
    --------
    >>> plain("LeadTime (Wks)"), plain("unit_cost_eur"), plain("Stück-Preis")
    ('lead time wks', 'unit cost', 'stueck preis')
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header).lower().translate(UMLAUTS)
    spaced = unicodedata.normalize("NFKD", spaced).encode("ascii", "ignore").decode()
    parts = re.sub(r"[^a-z0-9]+", " ", spaced.replace("%", " percent ")).split()
    return " ".join(part for part in parts if part not in CURRENCIES) or " ".join(parts)


def unit_in(header: str) -> tuple[str, str | None]:
    """Return a plain header without its last word if that is a unit, and the unit.

    Examples
    --------
    >>> unit_in("lead time wks")
    ('lead time', 'weeks')
    """
    *first, last = plain(header).split() or [""]
    return (" ".join(first), UNITS[last]) if first and last in UNITS else (plain(header), None)


@cache
def scores(header: str) -> dict[str, float]:
    """Return how well a header fits canonical columns by name alone, 0 to 1 (absent if not)."""
    found: dict[str, float] = {}
    for column, known in _known_words().items():
        best = max(
            _alike(text, word, column) for text in {plain(header), unit_in(header)[0]} for word in known
        )
        if best:
            found[column] = best
    return found


def fits_values(raw: pl.Series, column: Column, unit: str | None, share: float = FITTING) -> bool:
    """Return whether enough values of a raw column can be read as the canonical column."""
    given = raw.drop_nulls().head(SAMPLE)
    if given.is_empty():
        return True
    sign = decimal_sign([given])[0] if given.dtype == pl.String else "."
    read = coerce(given, column, Cell(column="-", unit=unit), decimal=sign, formats="auto")
    undecided = read.dates is not None and bool(read.dates.undecided)
    return undecided or int(read.failed.sum()) <= (1 - share) * len(given)


@cache
def _known_words() -> dict[str, frozenset[str]]:
    listed = {column: text.split("|") for column, text in words("columns").rows()}
    return {column: frozenset([column.replace("_", " "), *known]) for column, known in listed.items()}


def _alike(text: str, word: str, column: str) -> float:
    if text == word:
        return SAME if word == column.replace("_", " ") else KNOWN
    if len(word) > 3 and f" {word} " in f" {text} ":
        return CONTAINED
    matcher = SequenceMatcher(None, text, word)
    if matcher.real_quick_ratio() < SIMILAR or matcher.quick_ratio() < SIMILAR:
        return 0.0
    ratio = matcher.ratio()
    return ratio * 0.9 if ratio >= SIMILAR and min(len(text), len(word)) > 3 else 0.0
