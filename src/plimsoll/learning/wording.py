"""Suggestions in words."""

from collections.abc import Callable

import polars as pl

from plimsoll.domain.figures import money

SUBJECTS = {
    "supplier": "orders from {subject}",
    "author_supplier": "orders from {subject}",
    "category": "orders of category {subject}",
    "location": "orders for {subject}",
    "item": "orders of {subject}",
}


def sentences(currency: str) -> Callable[[pl.DataFrame], pl.Series]:
    """Return the function that gives each suggestion its sentence, with money in a currency."""

    def words(rows: pl.DataFrame) -> pl.Series:
        return pl.Series([_sentence(row, currency) for row in rows.iter_rows(named=True)], dtype=pl.String)

    return words


def _sentence(row: dict[str, object], currency: str) -> str:
    """Return who did what how often, what it came to, and the question."""
    who = str(row["author"]) if row["author"] else "People"
    what = SUBJECTS[str(row["scope_kind"])].format(subject=row["subject"])
    change = row["median_change"]
    by = f" by a median of {abs(float(str(change))):.0%}".replace("%", " %") if change is not None else ""
    done = f"{who} {row['direction']} {row['n_same']} of {row['n']} {what}{by}"
    if change is None:
        done = f"{who} refused or {row['direction']} {row['n_same']} of {row['n']} {what}"
    low, high = (None if row[name] is None else float(str(row[name])) for name in ("value_low", "value_high"))
    between = ""
    if low is not None and high is not None:
        between = f" (likely {money(low)} to {money(high, currency)})"
    value = float(str(row["value_added"]))
    if row["verdict"] == "has_cost":
        cost = f" (likely {money(-float(str(high)))} to {money(-float(str(low)), currency)})"
        return (
            f"{done}. So far that has cost {money(-value, currency)}{cost}: the recommendations did better."
        )
    if row["verdict"] == "unclear":
        word = "saved" if value >= 0 else "cost"
        return f"{done}. It {word} {money(abs(value), currency)}{between}: too little to say whether it pays."
    return f"{done}. It saved {money(value, currency)}{between}. {_question(row)}"


def _question(row: dict[str, object]) -> str:
    """Return what could be changed instead."""
    before, after = row["value_from"], row["value_to"]
    if row["parameter"] == "lead_time":
        late = float(str(row["late_days"]))
        came = f"They came {abs(late):.0f} days {'later' if late > 0 else 'earlier'} than expected"
        return f"{came}: lead time {float(str(before)):.0f} → {float(str(after)):.0f} days?"
    if row["parameter"] == "forecast":
        off = float(str(after)) - 1.0
        told = f"Demand was {abs(off):.0%} {'above' if off > 0 else 'below'} what was expected"
        return f"{told.replace('%', ' %')}: forecast × {float(str(after)):.2f}?"
    if before is None or after is None:
        return f"A {'higher' if row['direction'] == 'raised' else 'lower'} service target?"
    shares = (f"{100 * float(str(one)):.1f} %" for one in (before, after))
    return f"Service target {' → '.join(shares)}?"
