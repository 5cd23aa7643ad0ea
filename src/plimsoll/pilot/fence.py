"""Who takes part, and who is compared with: the items of the fence and a control group like them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean, first_keys
from plimsoll.domain.findings import Finding
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.pilot.matching import Pairs, balanced, differences, nearest_pairs, standardised, tossed
from plimsoll.pilot.messages import FEWER_PAIRS, NOT_BALANCED, UNFIT_ITEMS
from plimsoll.pilot.params import PilotParams
from plimsoll.pilot.week import KEY

CHOICES = {
    "messy_spares": "the items of intermittent or lumpy demand with the most money astray: stock too much, "
    "and demand at risk",
    "fast_a": "the class A items of steady demand with the most demand in money",
    "named": "the items that you named",
}
# What pairs are matched on: column of the measures -> in words, whether distances are of logarithms.
MEASURES = {
    "stock_value": ("Stock at cost", True),
    "cogs_week": ("Demand at cost a week", True),
    "cv": ("Variability of weekly demand", False),
    "lead_days": ("Lead time", True),
    "n_places": ("Places", True),
    "fill_rate": ("Fill rate", False),
}
PLACES = 5  # busiest locations whose share of an item's demand is matched on
PLACE_WEIGHT = 0.5  # of a location in distances: together they should not outweigh the rest
STEADY, UNSTEADY = ("smooth", "erratic"), ("intermittent", "lumpy")


@dataclass(frozen=True, slots=True)
class Fence:
    """Tables `pilot_fence` and `pilot_balance`, and what was found on the way."""

    fence: pl.DataFrame
    balance: pl.DataFrame
    findings: tuple[Finding, ...]


def item_measures(
    weeks: pl.DataFrame, points: pl.DataFrame, params: PilotParams, *, end: date
) -> pl.DataFrame:
    """Return what items are chosen and matched by, one row an item that can take part.

    An item can if it was asked for in the history. Where its stock was not counted then, that of today
    stands in.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    points : item_id, location_id, description, abc, demand_class, annual_value (money per year), lead_days,
        astray (money held too much plus demand at risk), on_hand_value (today); of planned points
    params : length of the history
    end : the first day that is not known yet, a Monday

    Returns
    -------
    pl.DataFrame
        item_id, description, abc (of its busiest place), demand_class (of that place), annual_value,
        astray, main_location_id, the columns of `MEASURES`, and `places`, the shares of its demand at the
        busiest locations.
    """
    past = weeks.filter(
        pl.col("period") >= end - timedelta(weeks=params.history_weeks), pl.col("period") < end
    ).join(points.select(KEY), on=KEY, how="semi")
    known = pl.col("stock_value_days").is_not_null()
    per_point = past.group_by(KEY).agg(
        stock=pl.col("stock_value_days").filter(known).sum() / pl.col("stock_days").filter(known).sum(),
        days=pl.col("stock_days").filter(known).sum(),
    )
    held = points.select(*KEY, "on_hand_value").join(per_point, on=KEY, how="left")
    stock = held.group_by("item_id").agg(
        stock_value=pl.when(pl.col("days") > 0).then("stock").otherwise("on_hand_value").sum()
    )
    n = past["period"].n_unique()
    weekly = past.group_by("item_id", "period").agg(pl.col("cogs", "asked_value", "served_value").sum())
    spread = ((pl.col("cogs") ** 2).sum() / n - (pl.col("cogs").sum() / n) ** 2).clip(0.0).sqrt()
    flows = weekly.group_by("item_id").agg(
        cogs_week=pl.col("cogs").sum() / n,
        cv=spread / (pl.col("cogs").sum() / n),
        fill_rate=pl.col("served_value").sum() / pl.col("asked_value").sum(),
    )
    busiest = (
        points.group_by("location_id")
        .agg(pl.col("annual_value").sum())
        .sort("annual_value", "location_id", descending=[True, False])["location_id"]
        .head(PLACES)
    )
    value = pl.col("annual_value")
    shares = [
        (value.filter(pl.col("location_id") == place).sum() / value.sum().clip(1e-9)) for place in busiest
    ]
    ranked = points.sort("annual_value", "location_id", descending=[True, False])
    of_items = ranked.group_by("item_id", maintain_order=True).agg(
        pl.col("description", "abc", "demand_class").first(),
        main_location_id=pl.col("location_id").first(),
        annual_value=value.sum(),
        astray=pl.col("astray").sum(),
        lead_days=(pl.col("lead_days") * value).sum() / value.sum().clip(1e-9),
        n_places=pl.len().cast(pl.Float64),
        places=pl.concat_list([share.fill_nan(0.0) for share in shares]) if shares else pl.lit([0.0]),
    )
    return (
        of_items.join(stock, on="item_id")
        .join(flows.filter(pl.col("cogs_week") > 0), on="item_id")
        .with_columns(pl.col("fill_rate").fill_nan(None).fill_null(1.0))
        .sort("item_id")
    )


def propose(
    items: pl.DataFrame,
    choice: str,
    params: PilotParams,
    *,
    named: Sequence[str] = (),
    known: Sequence[str] = (),
    seed: int,
) -> Fence:
    """Return a fence and its control group.

    The items wanted are taken by the choice, each with the nearest item of its class among the rest
    (`matching.nearest_pairs`, standardised measures, none used twice). Then a coin decides in each pair
    which of the two is in the fence, so that nothing known or unknown sets the groups apart but chance;
    items that a person named are in the fence themselves. The farthest pairs are left out until the
    groups are alike.

    Parameters
    ----------
    items : from `item_measures`
    choice : of `CHOICES`
    params : size and balance
    named : item ids, for the choice `named`
    known : all item ids, to tell a wrong name from an item that cannot take part
    seed : seed of the coin

    Raises
    ------
    InputError : an unknown choice or item, or too few pairs; says what would be feasible
    """
    if choice not in CHOICES:
        what = f"There is no choice '{choice}'."
        raise InputError(what, remedy=did_you_mean(choice, CHOICES) or f"Known: {', '.join(CHOICES)}.")
    findings: list[Finding] = []
    asked = _named(items, named, known, findings) if choice == "named" else _ranked(items, choice)
    group = items["abc"].replace_strict({"A": 0, "B": 1, "C": 2}, default=3, return_dtype=pl.Int64).to_numpy()
    if choice != "named":
        asked = _half(asked, group)[: params.size]
    pool = np.setdiff1d(np.arange(items.height), asked)
    measures, distances = _matched_on(items)
    pairs = nearest_pairs(distances, group, asked, pool)
    _check_enough(items, choice, params, asked, pairs, named=bool(named))
    fence, control = (
        (pairs.asked, pairs.partner) if choice == "named" else tossed(pairs, rng_for(seed, "pilot coin"))
    )
    kept = balanced(measures, fence, control, pairs.distance, params.balance_limit, params.least_size)
    balance = _balance(measures, fence[kept], control[kept], params)
    worst = balance.filter(pl.col("difference").abs() > params.balance_limit)
    if worst.height:
        keys = first_keys(worst["measure"])
        findings.append(NOT_BALANCED.finding(worst.height, keys, limit=params.balance_limit))
    if choice != "named" and len(kept) < params.size:
        findings.append(FEWER_PAIRS.finding(len(kept), "", size=params.size))
    frame = _table(items, pairs, fence, control, kept, choice)
    return Fence(frame, balance, tuple(findings))


def _ranked(items: pl.DataFrame, choice: str) -> Ints:
    """Return the rows of the candidates, the first choice first."""
    rows = items.with_row_index("row")
    if choice == "messy_spares":
        found = rows.filter(pl.col("demand_class").is_in(UNSTEADY)).sort(
            "astray", "item_id", descending=[True, False]
        )
    else:
        found = rows.filter(pl.col("abc") == "A", pl.col("demand_class").is_in(STEADY)).sort(
            "annual_value", "item_id", descending=[True, False]
        )
    return found["row"].cast(pl.Int64).to_numpy()


def _half(asked: Ints, group: Ints) -> Ints:
    """Return the first candidates of each class, at most half of its items: each needs a partner."""
    of = pl.Series("of", group[asked])
    rank = of.to_frame().select(pl.int_range(pl.len()).over("of")).to_series().to_numpy()
    return np.asarray(asked[rank < np.bincount(group, minlength=4)[of.to_numpy()] // 2])


def _named(items: pl.DataFrame, named: Sequence[str], known: Sequence[str], findings: list[Finding]) -> Ints:
    unknown = [item for item in dict.fromkeys(named) if item not in set(known)]
    if unknown:
        what = f"{len(unknown)} of the items named do not exist ({first_keys(unknown)})."
        raise InputError(
            what, remedy=did_you_mean(unknown[0], known) or "Check the names, told apart by case."
        )
    rows = items.with_row_index("row").filter(pl.col("item_id").is_in(list(named)))
    unfit = [item for item in dict.fromkeys(named) if item not in set(rows["item_id"])]
    if unfit:
        findings.append(UNFIT_ITEMS.finding(len(unfit), first_keys(unfit)))
    return rows["row"].cast(pl.Int64).to_numpy()


def _matched_on(items: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return the measures (n, k), logarithms where distances are relative, and the same for distances."""
    columns = [
        (pl.col(name).fill_null(0.0).log1p() if is_log else pl.col(name).fill_null(0.0)).alias(name)
        for name, (_, is_log) in MEASURES.items()
    ]
    main = items.select(columns).to_numpy()
    places = np.array(items["places"].to_list()).reshape(items.height, -1)
    return main, np.column_stack([standardised(main), PLACE_WEIGHT * standardised(places)])


def _check_enough(
    items: pl.DataFrame, choice: str, params: PilotParams, asked: Ints, pairs: Pairs, *, named: bool
) -> None:
    """Refuse a fence without enough pairs, and say what would be feasible."""
    n = len(pairs.asked)
    least = min(params.least_size, len(asked)) if named else params.least_size
    if n >= max(least, 2):
        return
    what = f"Only {n:,} pairs of alike items can be made; a pilot wants {max(least, 2):,}."
    why = (
        f"{items.height:,} items have demand and counted stock, {len(asked):,} of them are wanted for the "
        "fence, and each needs a partner of its class outside it: without controls nobody can tell what "
        "the pilot did from what the season did."
    )
    if named:
        remedy = f"Name fewer items: {n:,} or less, or leave the choice to Plimsoll."
    elif n >= 10:
        remedy = f"Set [pilot] least_size to {n} for a smaller pilot; it will see large effects only."
    else:
        other = "fast_a" if choice == "messy_spares" else "messy_spares"
        candidates = len(_ranked(items, other))
        remedy = (
            f"The choice {other} has {candidates:,} candidates."
            if candidates > n
            else ("Import a longer history and counts of stock; see `plimsoll audit`.")
        )
    raise InputError(what, why=why, remedy=remedy)


def _balance(measures: Floats, fence: Ints, control: Ints, params: PilotParams) -> pl.DataFrame:
    """Return the table `pilot_balance`."""
    one, other = measures[fence], measures[control]
    rows = []
    for at, (name, (label, is_log)) in enumerate(MEASURES.items()):
        means = (np.expm1(side[:, at].mean()) if is_log else side[:, at].mean() for side in (one, other))
        fence_mean, control_mean = means
        difference = float(differences(one[:, [at]], other[:, [at]])[0])
        rows.append(
            {
                "measure": name,
                "label": label,
                "fence_mean": float(fence_mean),
                "control_mean": float(control_mean),
                "difference": difference if np.isfinite(difference) else None,
                "is_alike": abs(difference) <= params.balance_goal,
            }
        )
    return table("pilot_balance").conform(pl.DataFrame(rows, schema=table("pilot_balance").schema))


def _table(
    items: pl.DataFrame, pairs: Pairs, fence: Ints, control: Ints, kept: Ints, choice: str
) -> pl.DataFrame:
    """Return the table `pilot_fence`, pairs numbered as they were chosen."""
    rows = np.concatenate([fence[kept], control[kept]])
    wanted = np.isin(rows, pairs.asked)
    frame = (
        items[rows]
        .drop("places")
        .with_columns(
            pair=pl.Series(np.tile(np.arange(1, len(kept) + 1), 2)),
            role=pl.Series(["fence"] * len(kept) + ["control"] * len(kept)),
            is_wanted=pl.Series(wanted),
            distance=pl.Series(np.tile(pairs.distance[kept], 2)),
            why=pl.Series(wanted).replace_strict(
                {
                    True: f"One of {CHOICES[choice]}",
                    False: "The nearest to its partner by the measures matched on",
                },
                return_dtype=pl.String,
            ),
        )
    )
    return table("pilot_fence").conform(frame)
