"""What people do again and again: the suggestion to change a parameter instead, where it has paid."""

from collections.abc import Callable

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.people import SYSTEM
from plimsoll.domain.tables import table
from plimsoll.learning.decisions import ORDERS
from plimsoll.learning.evidence import (
    chance_of_direction,
    chance_of_more,
    ends,
    false_alarm_shares,
    sums_by,
)
from plimsoll.learning.parameter import with_parameter
from plimsoll.learning.params import LearningParams

# What decisions may have in common: who or what it is, the column of the author where that is part of it.
# Of two scopes with the same evidence the first is named.
SCOPES: dict[str, tuple[pl.Expr, bool]] = {
    "supplier": (pl.when(pl.col("kind") == "purchase").then("from_location_id"), False),
    "author_supplier": (pl.when(pl.col("kind") == "purchase").then("from_location_id"), True),
    "category": (pl.col("category"), False),
    "location": (pl.col("to_location_id"), False),
    "item": (pl.col("item_id"), False),
}
SCOPE = ["scope_kind", "subject", "scope_author"]
VERDICTS = ("suggest", "has_cost", "unclear")
MOST = 2.0 / 3.0  # share of the decisions of a scope that no stronger one has
EVEN = 1e-9  # quantities this close are the same

Wording = Callable[[pl.DataFrame], pl.Series]


def suggestions(outcome: pl.DataFrame, params: LearningParams, words: Wording) -> pl.DataFrame:
    """Return the table `suggestion`: what is done again and again, whether it paid, and what it points to.

    Orders decided by people whose time has passed are looked at by supplier, person and supplier, category,
    place, and item. A scope is told of where `least_share` of at least `least_cases` decisions went the
    same way and the sign test says it is no chance. It is a suggestion where their value is above 0 too: the
    larger of the two chances (both must hold, Berger 1982), with the share of false alarms over all scopes
    kept below `false_alarms` (Benjamini & Hochberg 1995). Scopes that share most of their decisions with a
    stronger one are not told of again.

    What has cost is told of where the chance that it is worth nothing or more is as small, and only of at
    least `least_items` items: on a few items gains by shortages avoided, rare and large, may not have come
    yet. Single items are told of as suggestions only.

    Parameters
    ----------
    outcome : table `outcome`
    params : options
    words : gives each row its sentence
    """
    rows = _evidence(outcome)
    found = _scopes(rows)
    found = found.filter(pl.col("n") >= params.least_cases)
    if found.is_empty():
        return table("suggestion").empty()
    ways = rows.join(found.select(*SCOPE, "direction"), on=SCOPE).filter(
        pl.col("way") == pl.when(pl.col("direction") == "raised").then(1).otherwise(-1)
    )
    judged = _judged(found, ways, params)
    kept = _not_told_already(judged, ways)
    full = with_parameter(kept, ways.join(kept.select(SCOPE), on=SCOPE, how="semi"), params)
    ranked = full.sort(
        pl.col("verdict").replace_strict(VERDICTS, range(len(VERDICTS)), return_dtype=pl.Int64),
        -pl.col("value_added").abs(),
        *SCOPE,
    ).with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
    said = ranked.with_columns(sentence=words(ranked))
    return table("suggestion").conform(said.select(table("suggestion").names))


def _evidence(outcome: pl.DataFrame) -> pl.DataFrame:
    """Return one row a decision and scope, with the way its quantity went: 1 up, -1 down, 0 neither."""
    off = pl.col("decided_qty") - pl.col("proposed_qty")
    usable = outcome.filter(
        pl.col("state") == "counted", pl.col("kind").is_in(ORDERS), pl.col("author") != SYSTEM.username
    ).with_columns(
        way=pl.when(off.abs() <= EVEN).then(0).otherwise(off.sign().cast(pl.Int32)),
        change=pl.when(pl.col("proposed_qty") > 0).then(off / pl.col("proposed_qty")),
        decision=pl.concat_str("run_id", pl.col("line_no").cast(pl.String), separator="-"),
        excess_value=(pl.col("demand_qty") - pl.col("expected_qty")) * pl.col("unit_cost"),
        expected_value=pl.col("expected_qty") * pl.col("unit_cost"),
    )
    return pl.concat(
        [
            usable.with_columns(
                scope_kind=pl.lit(kind),
                subject=subject,
                scope_author=pl.col("author") if by_author else pl.lit(""),
                # decisions on one item share its demand; of one item, each plan stands alone
                block=pl.col("run_id") if kind == "item" else pl.col("item_id"),
            )
            for kind, (subject, by_author) in SCOPES.items()
        ]
    ).drop_nulls("subject")


def _scopes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each scope with its counts and the direction most decisions went."""
    up, down = ((pl.col("way") == way).sum().cast(pl.Int64) for way in (1, -1))
    return (
        rows.group_by(SCOPE)
        .agg(
            n=pl.len().cast(pl.Int64),
            up=up,
            down=down,
            author=pl.when(pl.col("author").n_unique() == 1).then(pl.col("author").first()),
        )
        .filter(pl.col("up") + pl.col("down") > 0)
        .with_columns(
            direction=pl.when(pl.col("up") >= pl.col("down"))
            .then(pl.lit("raised"))
            .otherwise(pl.lit("lowered")),
            n_same=pl.max_horizontal("up", "down"),
        )
        .sort(SCOPE)
    )


def _judged(found: pl.DataFrame, ways: pl.DataFrame, params: LearningParams) -> pl.DataFrame:
    """Return the scopes that are no chance, each with its value, chances and verdict."""
    value = sums_by(ways, SCOPE, "block", "value_added")
    seen = ways.group_by(SCOPE).agg(
        median_change=pl.when(pl.col("change").median() > -1).then(pl.col("change").median()),
        first_date=pl.col("as_of").min(),
        last_date=pl.col("as_of").max(),
    )
    rows = found.join(value, on=SCOPE, how="left", maintain_order="left").join(
        seen, on=SCOPE, how="left", maintain_order="left"
    )
    direction = chance_of_direction(rows["up"].to_numpy(), rows["down"].to_numpy())
    worth = chance_of_more(rows["total"], rows["error"], rows["blocks"])
    low, high = ends(rows["total"], rows["error"], rows["blocks"], params.confidence)
    lopsided = rows["n_same"].to_numpy() >= params.least_share * rows["n"].to_numpy()
    both = false_alarm_shares(np.fmax(direction, np.where(np.isnan(worth), 1.0, worth)))
    alone = false_alarm_shares(direction)
    is_said = lopsided & (alone <= params.false_alarms)
    pays = both <= params.false_alarms
    less = chance_of_more(-rows["total"], rows["error"], rows["blocks"])
    many = (rows["blocks"] >= params.least_items).to_numpy() & (rows["scope_kind"] != "item").to_numpy()
    costs = many & (false_alarm_shares(np.where(many, less, np.nan)) <= params.false_alarms)
    verdict = np.where(pays, "suggest", np.where(costs, "has_cost", "unclear"))
    is_said &= pays | (rows["scope_kind"] != "item").to_numpy()
    return rows.with_columns(
        value_added="total",
        value_low=pl.Series(low, nan_to_null=True),
        value_high=pl.Series(high, nan_to_null=True),
        chance_direction=pl.Series(direction),
        chance_value=pl.Series(worth, nan_to_null=True),
        false_alarm_share=pl.Series(np.where(pays, both, alone)),
        verdict=pl.Series(verdict, dtype=pl.String),
        value_per_year=pl.col("total") * _per_year(),
        suggestion_id=pl.concat_str(
            "scope_kind", "subject", "scope_author", "direction", separator=":", ignore_nulls=True
        ),
    ).filter(pl.Series(is_said))


def _per_year() -> pl.Expr:
    """Return the factor from the days of the evidence to a year, a quarter at least being taken as seen."""
    days = (pl.col("last_date") - pl.col("first_date")).dt.total_days().cast(pl.Float64) + 1.0
    return DAYS_PER_YEAR / days.clip(lower_bound=DAYS_PER_YEAR / 4)


def _not_told_already(judged: pl.DataFrame, ways: pl.DataFrame) -> pl.DataFrame:
    """Return the scopes without those whose decisions mostly belong to a stronger one.

    Suggestions come before what has cost, and those before what is not clear; then the order of `SCOPES`.
    A scope stays if most of its decisions belong to none that came before and stayed.
    """
    kept, free = [], ways.select(*SCOPE, "decision")
    for verdict in VERDICTS:
        for kind in SCOPES:  # scopes of one kind have no decision in common
            asked = judged.filter(verdict=verdict, scope_kind=kind)
            left = free.join(asked, on=SCOPE, how="semi").group_by(SCOPE).agg(left=pl.len())
            stays = asked.join(left, on=SCOPE).filter(pl.col("left") >= MOST * pl.col("n_same"))
            kept.append(stays.drop("left"))
            taken = free.join(stays, on=SCOPE, how="semi").select("decision")
            free = free.join(taken, on="decision", how="anti")
    return pl.concat(kept).sort(SCOPE)
