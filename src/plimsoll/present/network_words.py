"""Words that all views of the network share: kinds of places, and changes of money."""

import polars as pl

from plimsoll.present.labels import label
from plimsoll.present.numbers import money

KINDS = ("plant", "dc", "branch", "customer", "supplier", "other")  # as they are listed
LAST = "all"


def kind_order(column: str) -> pl.Expr:
    """Return the place of a kind in lists: `KINDS`, then depths, the sum last."""
    ranks = {kind: k for k, kind in enumerate(KINDS)} | {LAST: len(KINDS) + 1}
    return pl.col(column).replace_strict(ranks, default=len(KINDS), return_dtype=pl.Int64)


def signed(value: float | None, currency: str = "") -> str:
    """Return money with its sign.

    Examples
    --------
    >>> signed(1200.0, "EUR"), signed(-45_600.0), signed(None)
    ('+1,200 EUR', '-45.6 k', '–')
    """
    return ("+" if value is not None and value > 0 else "") + money(value, currency)


def kind_words(kind: str) -> str:
    """Return a kind of places in words, by their depth where their kind is not known.

    Examples
    --------
    >>> kind_words("dc"), kind_words("depth 0"), kind_words("depth 2")
    ('DCs', 'First places', 'Places 2 down')
    """
    if not kind.startswith("depth "):
        return label("echelon", kind)
    depth = kind.removeprefix("depth ")
    return "First places" if depth == "0" else f"Places {depth} down"


def place_words(echelon: str, *, feeds: bool) -> str:
    """Return an echelon in words.

    Examples
    --------
    >>> place_words("dc", feeds=True), place_words("depth 1", feeds=False)
    ('DCs, feeding', 'Places 1 down')
    """
    return kind_words(echelon) + (", feeding" if feeds else "")
