"""Difference in differences: what changed in the fence beyond what changed in the control group."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.calendar import DAYS_PER_YEAR
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats
from plimsoll.maths.rng import rng_for
from plimsoll.pilot.params import PilotParams
from plimsoll.pilot.week import CONTROL, FENCE, NOW, SUMS, THEN, paired_sums, stretches
from plimsoll.replay.intervals import interval, resample

AT = {name: column for column, name in enumerate(SUMS)}
WEEKS_PER_YEAR = DAYS_PER_YEAR / 7
YEAR = 52  # weeks back to the same weekdays of the year before
RATIO, DIFFERENCE = "ratio", "difference"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a pilot: the sum above, the sum below (none: 1), how changes are compared, its unit.

    `better` is 1 where more is better and -1 where less is.
    """

    top: str
    bottom: str
    scale: str
    unit: str
    better: int
    definition: str
    times: float = 1.0


FIGURES = {
    "inventory_value": Figure(
        "inventory", "", RATIO, "money", -1, "Stock on hand at cost: the mean of the last weeks compared"
    ),
    "fill_rate": Figure(
        "served_value", "asked_value", DIFFERENCE, "share", 1,
        "Value served from stock when asked for over the value that customers asked for",
    ),
    "turns": Figure(
        "cogs", "stock", RATIO, "per year", 1,
        "What left the shelf at cost and in a year over the mean stock at cost", WEEKS_PER_YEAR,
    ),
    "expedite_spend": Figure("expedite_cost", "", RATIO, "money per week", -1, "Extra cost of speed a week"),
    "perfect_order_rate": Figure(
        "perfect_orders", "orders", DIFFERENCE, "share", 1, "Orders in full and on time over all orders"
    ),
}  # fmt: skip


def value_of(sums: Floats, figure: Figure) -> Floats:
    """Return a figure of sums (..., k), NaN where it cannot be said."""
    top = figure.times * sums[..., AT[figure.top]]
    if not figure.bottom:
        return np.asarray(top)
    bottom = sums[..., AT[figure.bottom]]
    return np.asarray(np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 1e-9))


def effect_of(sums: Floats, figure: Figure) -> Floats:
    """Return the difference in differences of sums (..., 2 groups, 2 stretches, k), on the figure's scale.

        ratio:       ln(F1 / F0) - ln(C1 / C0)        difference:  (F1 - F0) - (C1 - C0)

    F the fence, C the control group, 1 now, 0 then. NaN where one of the four is not above 0 (ratio) or
    not known.
    """
    values = value_of(sums, figure)
    if figure.scale == RATIO:
        values = np.log(np.where(values > 0, values, np.nan))
    change = values[..., NOW] - values[..., THEN]
    return np.asarray(change[..., FENCE] - change[..., CONTROL])


def shown(value: float | None, figure: Figure) -> float | None:
    """Return an effect as people read it: a share more or less than without the pilot, or a difference."""
    if value is None or not np.isfinite(value):
        return None
    return float(np.expm1(value)) if figure.scale == RATIO else float(value)


def drawn_sums(sums: Floats, n_resamples: int, seed: int) -> Floats:
    """Return the totals of resampled pairs, (B, 2, 2, k): a pair is drawn with all its places and weeks."""
    flat = sums.reshape(len(sums), -1)
    return resample(flat, n_resamples, seed).sums.reshape(n_resamples, *sums.shape[1:])


def swapped_sums(sums: Floats, n_swaps: int, seed: int) -> Floats:
    """Return totals with fence and control swapped in pairs by coin, (B, 2, 2, k).

    Where a coin decided who is in the fence, and the pilot does nothing, these are as likely as what came.
    """
    flat = sums.reshape(len(sums), 2, -1)
    half = (flat[:, FENCE] - flat[:, CONTROL]) / 2
    signs = rng_for(seed, "pilot swaps").choice([-1.0, 1.0], (n_swaps, len(sums)))
    moved = signs @ half
    middle = (flat[:, FENCE] + flat[:, CONTROL]).sum(axis=0) / 2
    return np.stack([middle + moved, middle - moved], axis=1).reshape(n_swaps, *sums.shape[1:])


def effects(sums: Floats, against: str, n_resamples: int, seed: int) -> pl.DataFrame:
    """Return the table `pilot_effect` of one comparison: all figures with intervals.

    Pairs of items are resampled, with all their places and weeks: what hits fence and control alike cancels;
    what hits a single item is in the interval; what hits many items of one group alone is not.

    Parameters
    ----------
    sums : (pairs, 2, 2, k) from `week.paired_sums`
    against : name of what it is compared with: baseline or last_year
    n_resamples : B, of intervals and of the swap test
    seed : seed of the draws

    Returns
    -------
    pl.DataFrame
        effect, se (on the scale of estimation), intervals, and p_value: the share of swaps of fence and
        control in pairs with an effect as large, both sides (Fisher 1935).
    """
    total = sums.sum(axis=0)
    drawn, swapped = drawn_sums(sums, n_resamples, seed), swapped_sums(sums, n_resamples, seed)
    rows = [
        _row(name, figure, against, total, effect_of(drawn, figure), effect_of(swapped, figure))
        for name, figure in FIGURES.items()
    ]
    return table("pilot_effect").conform(
        pl.DataFrame(rows, schema_overrides=dict(table("pilot_effect").schema)).with_columns(
            n_pairs=pl.lit(len(sums), dtype=pl.Int64)
        )
    )


def _row(
    name: str, figure: Figure, against: str, total: Floats, drawn: Floats, swapped: Floats
) -> dict[str, object]:
    values = value_of(total, figure)
    effect = float(effect_of(total, figure))
    is_known = bool(np.isfinite(effect))
    ends = interval(drawn) if is_known else [None] * 4
    spread = drawn[np.isfinite(drawn)]
    low_90, high_90, low_95, high_95 = (shown(end, figure) for end in ends)
    usable = swapped[np.isfinite(swapped)]
    extreme = (np.abs(usable) >= abs(effect) - 1e-12).sum() if is_known else 0
    fence, control = values[FENCE], values[CONTROL]
    # What the fence would be, had it gone the way of the control group.
    without = (
        fence[THEN] * control[NOW] / control[THEN] if is_known and figure.unit.startswith("money") else None
    )
    return {
        "figure": name, "against": against, "unit": figure.unit, "scale": figure.scale,
        "fence_now": _known(fence[NOW]), "fence_then": _known(fence[THEN]),
        "control_now": _known(control[NOW]), "control_then": _known(control[THEN]),
        "effect": shown(effect, figure),
        "se": float(spread.std()) if is_known and low_90 is not None else None,
        "low_90": low_90, "high_90": high_90, "low_95": low_95, "high_95": high_95,
        "p_value": float((1 + extreme) / (1 + len(usable))) if is_known and len(usable) else None,
        "money": float(fence[NOW] - without) if without is not None else None,
        "definition": figure.definition,
    }  # fmt: skip


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def linear_se(sums: Floats, figure: Figure) -> tuple[float, float]:
    """Return the effect and its standard error by linearisation, pair by pair (delta method).

    The influence of pair i on a ratio T / S of sums is (t_i - r s_i) / S; that on ln T is t_i / T less the
    mean share 1 / n. The effect adds the four with their signs, and its variance is the sum of squares.

    Parameters
    ----------
    sums : (pairs, 2, 2, k)
    """
    total, n = sums.sum(axis=0), len(sums)
    effect = float(effect_of(total, figure))
    if n < 2 or not np.isfinite(effect):
        return effect, float("nan")
    values = value_of(total, figure) / figure.times
    top = sums[..., AT[figure.top]]
    if figure.bottom:
        bottom = sums[..., AT[figure.bottom]]
        influence = (top - values * bottom) / bottom.sum(axis=0)
    else:
        influence = top - values / n
    if figure.scale == RATIO:
        influence = influence / values
    change = influence[..., NOW] - influence[..., THEN]
    by_pair = change[:, FENCE] - change[:, CONTROL]
    return effect, float(np.sqrt(n / (n - 1) * (by_pair**2).sum()))


def all_effects(
    weeks: pl.DataFrame,
    fence: pl.DataFrame,
    params: PilotParams,
    *,
    start: date,
    n_weeks: int,
    seed: int,
) -> pl.DataFrame:
    """Return the table `pilot_effect`: the pilot against its baseline, and against the year before.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    fence : table `pilot_fence`
    params : lengths and resamples
    start : first day on which recommendations were sent
    n_weeks : whole weeks since, at least 1
    seed : seed of the resamples
    """
    now, then = stretches(start, params, min(n_weeks, params.treated_weeks))
    compared = {"baseline": then, "last_year": now.earlier(YEAR)}
    first = weeks["period"].min()
    return pl.concat(
        effects(paired_sums(weeks, fence, now, other), name, params.resamples, seed)
        for name, other in compared.items()
        if isinstance(first, date) and other.first >= first
    )
