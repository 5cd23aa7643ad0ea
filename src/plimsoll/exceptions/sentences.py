"""Exceptions in words: a title, what was seen, what it costs, and what to do."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from plimsoll.domain.exceptions import CHANGES, DATA_FAULTS, WORDS
from plimsoll.domain.tables import table
from plimsoll.exceptions.evidence import POINT, State
from plimsoll.exceptions.wording import chance, counted, money, soon, times

ID = ["cause", "subject"]
FEW_PLACES = 3
FROM_PARTS = ("units", "value", "usual", "level_qty", "level_before_qty")


def with_words(
    listed: pl.DataFrame,
    rows: pl.DataFrame,
    parts: pl.DataFrame,
    found: pl.DataFrame,
    state: State,
    *,
    currency: str = "",
) -> pl.DataFrame:
    """Return the table `exception`.

    Parameters
    ----------
    listed : cause, subject, exception_id, rank, kind, subject_kind, money_lost, probability, score
    rows : what was found at points, with exception_id
    parts : of `parts.by_order`
    found : what is known of causes of shortage: expected, came, odds, since, factor, origin, place, note
    state : for positions, chances and names
    currency : written behind money

    The list is short (`most` of the options), so each row is written by itself.
    """
    known = listed.join(found.unique(ID, keep="first"), on=ID, how="left")
    seen = _summed(rows, state).join(_counts(parts, state), on="exception_id", how="left")
    every = known.join(seen, on="exception_id", how="left").sort("rank")
    every = every.with_columns(since=pl.coalesce("since", "first_due"))
    said = [_said(row, currency) for row in every.iter_rows(named=True)]
    words = pl.DataFrame(
        said, schema=dict.fromkeys(("title", "sentence", "action"), pl.String()), orient="row"
    )
    one_item = pl.when(pl.col("n_items_seen") == 1).then("first_item")
    one_place = pl.when(pl.col("n_places") == 1).then("first_place")
    finished = every.hstack(words).with_columns(
        pl.col("n_points", "n_lines", "n_orders").fill_null(0).cast(pl.Int64),
        pl.col("rank").cast(pl.Int64),
        item_id=one_item,
        location_id=one_place,
    )
    return table("exception").conform(finished.select(table("exception").names))


def _summed(rows: pl.DataFrame, state: State) -> pl.DataFrame:
    """Return what the rows of each exception say together."""
    absent = [pl.lit(None, dtype=pl.Float64).alias(name) for name in FROM_PARTS if name not in rows.columns]
    cause = "main_cause"
    rows = rows.with_columns(absent)
    if cause not in rows.columns:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(cause))
    named = rows.join(
        state.points.select(*POINT, "description", "probability", "order", "at_risk", "review_days"),
        on=POINT,
        how="left",
    ).rename({"probability": "out"})
    places = pl.col("location_id").unique().sort()
    worst = pl.col("money").arg_max()
    return (
        named.sort("exception_id", *POINT)
        .group_by("exception_id", maintain_order=True)
        .agg(
            *(pl.col(name).sort().sum() for name in FROM_PARTS),
            pl.col(cause).get(worst),
            n_points=pl.struct(POINT).n_unique(),
            n_items_seen=pl.col("item_id").n_unique(),
            n_places=places.len(),
            place_list=places.head(FEW_PLACES),
            first_item=pl.col("item_id").first(),
            first_place=pl.col("location_id").first(),
            description=pl.col("description").first(),
            first_due=pl.col("first_due").min(),
            whole=pl.col("at_risk").sort().sum(),
            review_first=pl.col("review_days").min(),
            review_last=pl.col("review_days").max(),
            lasting=1.0 - pl.col("out").get(worst),
        )
    )


def _counts(parts: pl.DataFrame, state: State) -> pl.DataFrame:
    """Return how many open orders and lines of today each exception is about."""
    ordering = state.points.filter(pl.col("order") > 0).select(*POINT, is_ordered=pl.lit(value=True))
    return (
        parts.join(ordering, on=POINT, how="left")
        .group_by("exception_id")
        .agg(
            n_orders=pl.col("order_id").is_not_null().sum(),
            n_lines=pl.struct(POINT).filter("is_ordered").n_unique(),
        )
    )


def _said(row: Mapping[str, Any], currency: str) -> tuple[str, str, str]:
    """Return title, sentence and action of one exception."""
    words = WORDS[row["cause"]]
    values = _values(row, currency)
    full = values | {"subject": _full_name(row, values["subject"])}
    action = words.action.format_map(values)
    return words.title.format_map(values), f"{words.seen.format_map(full)} {action}", action


def _full_name(row: Mapping[str, Any], subject: str) -> str:
    description = row["description"]
    return f"{subject} {description}" if row["subject_kind"] == "item" and description else subject


def _whole(row: Mapping[str, Any], currency: str) -> str:
    """Return what goes unmet until a later order can come; less than a review loses if what comes is late."""
    whole = _number(row["whole"])
    if whole <= row["money_lost"]:
        return "What is on order would be enough, but comes too late."
    return (
        f"Were nothing ordered, {money(whole, currency)} would go unmet until a later order can come: the "
        f"position lasts that long with {100 * _number(row['lasting']):.0f} % chance."
    )


def _values(row: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Return the figures of an exception in words, by the names that templates use."""
    factor = _number(row["factor"], 1.0)
    before, after = _number(row["level_before_qty"]), _number(row["level_qty"])
    n_orders = int(row["n_orders"] or 0)
    values = {
        "subject": str(row["subject"]),
        "origin": row["origin"] or "",
        "place": row["place"] or row["first_place"] or "",
        "item": row["first_item"] or "",
        "expected": f"{_number(row['expected']):,.0f}",
        "came": f"{_number(row['came']):,.0f}",
        "odds": chance(_number(row["odds"], 1.0)),
        "since": row["since"].isoformat() if isinstance(row["since"], date) else "",
        "factor": times(factor),
        "longer": f"{100 * (factor - 1):.0f} %",
        "n_items": counted(int(row["n_items"] or 0), "item", "items"),
        "items": counted(row["n_items_seen"], "item", "items"),
        "money": money(row["money_lost"], currency),
        "points": counted(row["n_points"], "stocking point", "stocking points"),
        "n_points": counted(row["n_points"], "stocking point", "stocking points"),
        "places": _places(row),
        "orders": counted(n_orders, "order", "orders"),
        "today": " although today's orders go out" if row["n_lines"] else ", where nothing is ordered today",
        "whole": _whole(row, currency),
        "review": soon(_number(row["review_first"]), _number(row["review_last"])),
        "units": f"{_number(row['units']):,.0f}",
        "usual": f"{_number(row['usual']):,.0f}",
        "value": money(_number(row["value"]), currency),
        "before": f"{before:,.0f}",
        "after": f"{after:,.0f}",
        "direction": "up" if after > before else "down",
        "cause": CHANGES.get(row["main_cause"] or "other", ""),
        "note": row["note"] or "",
        "words": DATA_FAULTS.get(str(row["subject"]), str(row["subject"])),
    }
    if row["cause"] == "outside_history":
        values["factor"] = times(_number(row["units"]) / max(_number(row["usual"]), 1e-9))
    return values


def _number(value: float | None, default: float = 0.0) -> float:
    return default if value is None else float(value)


def _places(row: Mapping[str, Any]) -> str:
    if row["n_places"] > FEW_PLACES:
        return f"{row['n_places']} places"
    *first, last = row["place_list"]
    return f"{', '.join(first)} and {last}" if first else str(last)
