"""The rails of a pilot: service watched every week, and whether planners follow at all."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.pilot.effect import FIGURES, linear_se
from plimsoll.pilot.guard import boundaries, information
from plimsoll.pilot.params import PilotParams
from plimsoll.pilot.week import KEY, paired_sums, stretches

SAME = 4  # weeks within which a refusal is of the same recommendation


def service_looks(
    weeks: pl.DataFrame, fence: pl.DataFrame, params: PilotParams, *, start: date, n_weeks: int
) -> pl.DataFrame:
    """Return the table `pilot_look`: after each week of recommendations, whether service fell too far.

        z_k = (-effect_k - margin) / se_k,   crossed where z_k is above the boundary of look k

    effect_k is the difference in differences of the service figure over the first k weeks. With the boundary
    of `guard.boundaries` all looks together stop a harmless pilot with the chance set, not each of them.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    fence : table `pilot_fence`
    params : margin, chance, spending and lengths
    start : first day on which recommendations were sent
    n_weeks : whole weeks since
    """
    seen = min(n_weeks, params.treated_weeks)
    shares = information(params.treated_weeks, params.treated_weeks, params.baseline_weeks)
    limits = boundaries(shares, params.guard_false_alarm, params.guard_spending)
    rows = []
    for k in range(1, seen + 1):
        sums = paired_sums(weeks, fence, *stretches(start, params, k))
        effect, se = linear_se(sums, FIGURES[params.service_figure])
        is_known = bool(np.isfinite(effect) and se > 0)
        z = (-effect - params.guard_margin) / se if is_known else None
        rows.append(
            {
                "look": k,
                "week": start + timedelta(weeks=k - 1),
                "effect": effect if is_known else None,
                "se": se if is_known else None,
                "z": z,
                "boundary": limits[k - 1],
                "information": shares[k - 1],
                "is_crossed": z is not None and z > limits[k - 1],
            }
        )
    return table("pilot_look").conform(pl.DataFrame(rows, schema=table("pilot_look").schema))


def overriding(decisions: pl.DataFrame, params: PilotParams) -> pl.DataFrame:
    """Return the table `pilot_override`: recommendations decided on in the fence, by week.

    A recommendation is overridden if it was changed or refused, or if something was ordered that nobody
    recommended. A plan says the same again until it is done: what is refused again at a place within
    `SAME` weeks counts once. A week with fewer decisions than `override_least` says nothing; the rail is
    crossed by weeks in a row that say too much.

    Parameters
    ----------
    decisions : week (its Monday), item_id, location_id, status (accepted, changed, refused, added),
        reason_code
    """
    is_overridden = pl.col("status").is_in(["changed", "refused", "added"])
    since = (pl.col("week") - pl.col("week").shift().over([*KEY, "status"])).dt.total_days()
    is_again = (pl.col("status") == "refused") & (since <= 7 * SAME)
    by_week = (
        decisions.sort("week", *KEY)
        .filter(~is_again.fill_null(value=False))
        .group_by("week")
        .agg(
            decided=pl.len().cast(pl.Int64),
            overridden=is_overridden.sum().cast(pl.Int64),
            without_reason=(is_overridden & (pl.col("reason_code").fill_null("") == "")).sum().cast(pl.Int64),
        )
        .sort("week")
    )
    says = pl.col("decided") >= params.override_least
    rate = pl.col("overridden") / pl.col("decided")
    is_high = (says & (rate > params.override_limit)).cast(pl.Int64)
    run = is_high.rolling_sum(params.override_weeks, min_samples=params.override_weeks)
    return table("pilot_override").conform(
        by_week.with_columns(rate=rate, is_crossed=(run == params.override_weeks).fill_null(value=False))
    )
