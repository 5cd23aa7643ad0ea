"""Bounds on demand for guaranteed service: the most that a stage undertakes to serve over an interval.

A stage with net replenishment time x keeps the base stock D(x), the bound on demand over x, and so holds
D(x) - mean x on average (Graves & Willems 2000, section 3). What exceeds the bound is served by other
means, not by the network's stock. Time is in the caller's unit (days, periods), the same for all stages.

The review interval is part of a stage's time, T = L + R: an order waits at most R for the review that
passes it on and L for its receipt, so a stage that quotes SI + T needs no stock. At x = 0 nothing is held.
The bound speaks of the demand as it arrives at the stage. Where customers' stages order in lots or seldom,
their orders are lumpier than the customers' demand behind them; that belongs into the stage's variance.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.errors import SettingError
from plimsoll.maths.arguments import checked
from plimsoll.maths.kernels.demand_bound import interval_excess
from plimsoll.maths.kernels.network_laws import law_moments
from plimsoll.maths.ragged import Floats, Ints, bounds_of, from_lists

WHOLE = 1e-9  # a time this close to a whole number is one
FLAT = 1e-6  # relative; intervals closer than this tell nothing of how variance grows with time


@dataclass(frozen=True, slots=True)
class NormalBound:
    """The normal bound in continuous time, D(x) = mu x + z sigma sqrt(x), concave in x.

    Graves & Willems 2000, section 3.2.

    Parameters
    ----------
    holding_cost : (stages,) h, money per unit held and unit of time
    z : safety factor, at least 0; one for all stages or (stages,)
    sd : (stages,) sigma, units per square root of time
    mean : (stages,) mu, units per unit of time; counts for the base stock alone

    Examples
    --------
    >>> bound = NormalBound(np.array([2.0]), 1.5, np.array([10.0]), np.array([7.0]))
    >>> bound.safety(np.array([0]), np.array([4.0])), bound.cost(np.array([0]), np.array([4.0]))
    (array([30.]), array([60.]))
    >>> bound.base_stock(np.array([0]), np.array([4.0]))
    array([58.])
    """

    holding_cost: Floats
    z: Floats | float
    sd: Floats
    mean: Floats

    def __post_init__(self) -> None:
        for name in ("holding_cost", "z", "sd", "mean"):
            checked(name, getattr(self, name), least=0)

    @property
    def coefficient(self) -> Floats:
        """Return the cost at x = 1, the factor of sqrt(x), money per unit of time."""
        return self.holding_cost * self.z * self.sd

    def safety(self, stage: Ints, time: Floats) -> Floats:
        """Return the safety stock of stages at net times, units."""
        factor = np.broadcast_to(self.z, self.sd.shape)
        return np.asarray(factor[stage] * self.sd[stage] * np.sqrt(time))

    def base_stock(self, stage: Ints, time: Floats) -> Floats:
        """Return the bound on demand over net times, mean demand and safety stock, units."""
        return np.asarray(self.mean[stage] * time + self.safety(stage, time))

    def cost(self, stage: Ints, time: Floats) -> Floats:
        """Return the cost of holding the safety stock, money per unit of time."""
        return np.asarray(self.holding_cost[stage] * self.safety(stage, time))


@dataclass(frozen=True, slots=True)
class QuantileBound:
    """The quantile of the discrete law of demand over whole times, straight in between.

        D(t) = mean t + max over k <= t of [ F_k^-1(service) - mean k ]^+ ,      t = 0, 1, 2, ..

    F_k is the law of demand over k periods: mean k `mean`, variance k `within` + k^2 `level` (demand of
    a period, and the level of demand that is not known exactly and is the same in all k), negative
    binomial or, below the mean, binomial, on a lattice of `step`. The quantile less the mean may fall
    from one k to the next, because quantiles are whole; the running maximum keeps the stock at what the
    shorter interval needs, so that a longer wait never costs less. It is not concave, so placements with
    it search whole times.

    Parameters
    ----------
    holding_cost : (stages,) h, money per unit held and unit of time
    service : (stages,) share of intervals that the bound covers, 0 to less than 1
    mean : (stages,) units per unit of time
    within, level : (stages,) units squared per unit of time, and per unit of time squared
    step : (stages,) units

    Examples
    --------
    >>> one = np.ones(1)
    >>> bound = QuantileBound(2 * one, 0.9 * one, 2 * one, 2 * one, 0 * one, one)
    >>> bound.safety(np.zeros(3, dtype=int), np.array([0.0, 1.0, 2.5])).tolist()    # quantiles 0, 4, 7, 9
    [0.0, 2.0, 3.0]
    """

    holding_cost: Floats
    service: Floats
    mean: Floats
    within: Floats
    level: Floats
    step: Floats

    def __post_init__(self) -> None:
        for name in ("holding_cost", "mean", "within", "level"):
            checked(name, getattr(self, name), least=0)
        checked("step", self.step, above=0)
        if np.any(checked("service", self.service, least=0) >= 1.0):
            what = "service = 1 asks for a bound that demand never exceeds: there is none."
            raise SettingError(what, remedy="Give a share below 1, such as 0.98.")

    def tables(self, stage: Ints, longest: Floats) -> tuple[Floats, Ints]:
        """Return the safety stock of stages at t = 0, 1, .. up to the whole time that holds `longest`.

        Returns
        -------
        values and bounds : units; values[bounds[i] + t] is of the i-th stage asked for
        """
        bounds = bounds_of(np.ceil(longest - WHOLE).astype(np.int64) + 1)
        step = self.step[stage]
        excess = interval_excess(
            self.service[stage],
            self.mean[stage] / step,
            self.within[stage] / step**2,
            self.level[stage] / step**2,
            bounds,
        )
        return excess * np.repeat(step, np.diff(bounds)), bounds

    def safety(self, stage: Ints, time: Floats) -> Floats:
        """Return the safety stock of stages at net times, units."""
        values, bounds = self.tables(stage, time)
        low = np.floor(time + WHOLE).astype(np.int64)
        at = bounds[:-1] + low
        above = np.minimum(at + 1, bounds[1:] - 1)
        return np.asarray(values[at] + (values[above] - values[at]) * np.maximum(time - low, 0.0))

    def base_stock(self, stage: Ints, time: Floats) -> Floats:
        """Return the bound on demand over net times, mean demand and safety stock, units."""
        return np.asarray(self.mean[stage] * time + self.safety(stage, time))

    def cost(self, stage: Ints, time: Floats) -> Floats:
        """Return the cost of holding the safety stock, money per unit of time."""
        return np.asarray(self.holding_cost[stage] * self.safety(stage, time))


Bound = NormalBound | QuantileBound


def quantile_bound(estimates: pl.DataFrame, holding_cost: Floats, service: Floats) -> QuantileBound:
    """Return the bound of stocking points whose demand is estimated; time is in days.

    With mean and variance m_R, v_R over a review of R days and m_P, v_P over the protection interval of
    P days, `within` and `level` solve v_R = within R + level R^2, v_P = within P + level P^2. Where that
    asks for a negative share, the other one alone matches v_P. So the variance at the protection interval
    is that of the estimate, wider for lead times that are random.

    Parameters
    ----------
    estimates : table `demand_estimate`; rows are the stages
    holding_cost : (rows,) money per unit and day
    service : (rows,) share below 1
    """
    days = estimates["protection_days_mean"].to_numpy()
    step = estimates["step_qty"].to_numpy()
    mean_review, var_review = law_moments(*from_lists(estimates["pmf_review"]))
    mean, var = law_moments(*from_lists(estimates["pmf_protection"]))
    review = np.where(mean > 0.0, days * mean_review / np.where(mean > 0.0, mean, 1.0), days)
    within, level = variance_parts(review, var_review, days, var)
    return QuantileBound(
        holding_cost,
        service,
        np.where(days > 0.0, mean / np.where(days > 0.0, days, 1.0), 0.0) * step,
        within * step**2,
        level * step**2,
        step,
    )


def variance_parts(short: Floats, var_short: Floats, long: Floats, var_long: Floats) -> tuple[Floats, Floats]:
    """Return the variance per time and per time squared that fit the variance over two times.

        var(t) = within t + level t^2,   neither below 0, exact at the longer time

    Examples
    --------
    >>> within, level = variance_parts(*(np.array([x]) for x in (1.0, 5.0, 3.0, 21.0)))
    >>> float(within[0]), float(level[0])
    (4.0, 1.0)
    """
    some = np.where(long > 0.0, long, 1.0)
    rate = var_long / some
    apart = (long - short > FLAT * some) & (short > FLAT * some)
    slope = (rate - var_short / np.where(apart, short, 1.0)) / np.where(apart, long - short, 1.0)
    level = np.where(apart, np.clip(slope, 0.0, rate / some), 0.0)
    return np.maximum(rate - level * some, 0.0), np.asarray(level)
