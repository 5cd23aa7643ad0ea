"""Near-duplicate descriptions: the same pairs as by comparing all with all, and fast."""

import re
from itertools import combinations
from time import perf_counter

import numpy as np
import polars as pl
import pytest

from plimsoll.audit.facts import nearest_factor
from plimsoll.audit.twins import near_duplicates


def pairs_of(*texts, similarity=0.8):
    frame = pl.DataFrame(
        {"item_id": [f"I{n}" for n in range(len(texts))], "description": texts},
        schema={"item_id": pl.String, "description": pl.String},
    )
    found = near_duplicates(frame, similarity=similarity, block=30)
    return [(one, other) for one, other, _ in found.rows()]


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Ball valve 20 mm brass", "BALL  VALVE, 20MM (brass)", True),
        ("brass ball valve 20 mm", "Ball valve 20 mm brass", True),
        ("Ball valve 20 mm brass", "Ball valve 25 mm brass", False),
        ("Circulating pump housing 7", "Circulating pump housings 7", True),
        ("Gear pump 7", "Sump pump 7", False),
        ("Kühlgerät groß 4", "KÜHLGERÄT GROß 4", True),
        ("12345", "12345", False),
        (None, None, False),
    ],
)
def test_words_and_numbers_decide(one, other, alike):
    assert pairs_of(one, other) == ([("I0", "I1")] if alike else [])


def pieces(words):
    text = f"  {' '.join(sorted(words))} "
    return {text[at : at + 3] for at in range(len(text) - 2)}


def test_pairs_are_those_of_comparing_all_with_all():
    rng = np.random.default_rng(5)
    stems = ["valve", "valves", "pump", "pumps", "housing", "housin", "gasket", "gaskets", "spring"]
    texts = [" ".join([*rng.choice(stems, 3), str(rng.integers(3))]) for _ in range(120)]
    frame = pl.DataFrame({"item_id": [f"I{n:03}" for n in range(120)], "description": texts})
    found = near_duplicates(frame, similarity=0.7, block=1000)
    first = {}
    for item, text in frame.rows():
        first.setdefault(tuple(sorted(text.split())), item)
    expected = {
        (first[tuple(sorted(text.split()))], item)
        for item, text in frame.rows()
        if first[tuple(sorted(text.split()))] != item
    }
    for (a, one), (b, other) in combinations(((k, v) for k, v in first.items()), 2):
        words = [[word for word in text if not re.match(r"\d", word)] for text in (a, b)]
        share = len(pieces(words[0]) & pieces(words[1])) / len(pieces(words[0]) | pieces(words[1]))
        same = [word for word in a if word.isdigit()] == [word for word in b if word.isdigit()]
        if same and set(words[0]) & set(words[1]) and share >= 0.7:
            expected.add((min(one, other), max(one, other)))
    assert {(one, other) for one, other, _ in found.rows()} == expected


def test_a_hundred_thousand_descriptions_take_seconds():
    """A generous bound: about 1.5 s on a quiet machine."""
    rng = np.random.default_rng(1)
    words = np.array([f"word{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}" for n in range(600)])
    texts = words[rng.integers(0, 600, (100_000, 3))]
    numbers = rng.integers(0, 5000, 100_000)
    frame = pl.DataFrame({"item_id": np.arange(100_000).astype(str)}).with_columns(
        description=pl.Series([f"{a} {b} {c} {n} mm" for (a, b, c), n in zip(texts, numbers, strict=True)])
    )
    start = perf_counter()
    near_duplicates(frame, similarity=0.85, block=30)
    assert perf_counter() - start < 20


def test_nearest_factor_is_nearest_in_ratio():
    frame = pl.DataFrame({"ratio": [1.5, 60.0, 400.0, 1e6]})
    found = frame.select(nearest_factor(pl.col("ratio"), (12.0, 144.0, 1000.0)))["ratio"]
    assert found.to_list() == [12.0, 144.0, 1000.0, 1000.0]
