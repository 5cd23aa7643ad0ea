"""What a pilot can see: the smallest effect of each figure, by what the past of the same items did."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.stats import norm

from plimsoll.domain.findings import Finding, keys_of
from plimsoll.domain.tables import table
from plimsoll.pilot.effect import FIGURES, RATIO, drawn_sums, effect_of
from plimsoll.pilot.messages import NO_POWER
from plimsoll.pilot.params import PilotParams
from plimsoll.pilot.week import paired_sums, stretches

SPLITS, APART = 3, 4  # pilots that never were, so many weeks apart


def factor(params: PilotParams) -> float:
    """Return how many standard errors an effect has to be large to be seen: z(1 - a / 2) + z(power).

    Examples
    --------
    >>> round(factor(PilotParams()), 2)
    2.8
    """
    return float(norm.ppf(1 - params.false_alarm / 2) + norm.ppf(params.power))


def detectable(
    weeks: pl.DataFrame, fence: pl.DataFrame, params: PilotParams, *, end: date, seed: int
) -> pl.DataFrame:
    """Return the table `pilot_power`: of each figure the smallest effect that the pilot would show.

        detectable = (z(1 - alpha / 2) + z(power)) se

    se is the standard error over pairs of the same difference in differences in pilots that never were,
    in the weeks before `end`: as many weeks, the same baseline, the same items, nothing done. Their mean
    effect tells whether the two groups went the same way before.

    Parameters
    ----------
    weeks : the schema `POINT_WEEK`
    fence : table `pilot_fence`
    params : lengths, false alarm, power
    end : the first day that is not known yet, a Monday
    seed : seed of the resamples
    """
    first = weeks["period"].min()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in FIGURES}
    for k in range(SPLITS):
        now, then = stretches(end - timedelta(weeks=params.treated_weeks + k * APART), params)
        if not isinstance(first, date) or then.first < first:
            break
        sums = paired_sums(weeks, fence, now, then)
        drawn = drawn_sums(sums, params.resamples, seed + k)
        for name, figure in FIGURES.items():
            spread = effect_of(drawn, figure)
            effect = float(effect_of(sums.sum(axis=0), figure))
            if np.isfinite(effect) and np.isfinite(spread).mean() > 0.5:
                found[name].append((effect, float(np.nanstd(spread))))
    rows = [_row(name, each, params) for name, each in found.items()]
    return table("pilot_power").conform(pl.DataFrame(rows, schema=table("pilot_power").schema))


def _row(name: str, found: list[tuple[float, float]], params: PilotParams) -> dict[str, object]:
    figure = FIGURES[name]
    se = float(np.sqrt(np.mean([error**2 for _, error in found]))) if found else None
    least = factor(params) * se if se is not None else None
    if least is not None and figure.scale == RATIO:  # the smaller of a fall and a rise, as a share
        least = float(-np.expm1(-least))
    return {
        "figure": name,
        "scale": figure.scale,
        "se": se,
        "detectable": least,
        "effect_before": float(np.mean([effect for effect, _ in found])) if found else None,
        "n_splits": len(found),
        "power": params.power,
        "false_alarm": params.false_alarm,
        "weeks": params.treated_weeks,
    }


def power_findings(power: pl.DataFrame) -> list[Finding]:
    """Return the finding about figures of which the past cannot tell what a pilot would see."""
    silent = power.filter(pl.col("detectable").is_null())
    return [NO_POWER.finding(silent.height, keys_of(silent, ["figure"]))] if silent.height else []
