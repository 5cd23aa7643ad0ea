"""Service, stock and cost from the sums of a simulation, with errors from independent replications."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import stats

from plimsoll.maths.kernels import network_simulation_state as column
from plimsoll.maths.ragged import Floats
from plimsoll.network.simulation_sites import Sites

TINY = np.finfo(np.float64).tiny  # below it sums are 0, and a ratio would overflow


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened in the counted periods of R replications.

    Parameters
    ----------
    site : (R, n, N_SITE) by stage
    line : (R, a + n, N_LINE) by arc, then by a stage's own line
    counted : periods counted in each
    """

    site: Floats
    line: Floats
    counted: int

    def half_width(self, confidence: float) -> float:
        """Return how many standard errors an interval reaches to each side (Student, R - 1 degrees)."""
        return float(stats.t.ppf(0.5 + confidence / 2, max(len(self.site) - 1, 1)))


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of m stages or arcs.

    Parameters
    ----------
    estimate : (m,) NaN where it is not defined
    influence : (R, m) deviation of each replication, whose mean's standard error is that of the estimate
    """

    estimate: Floats
    influence: Floats

    @property
    def se(self) -> Floats:
        """Return the standard error, NaN for a single replication."""
        runs = len(self.influence)
        if runs < 2:
            return np.full(len(self.estimate), np.nan)
        return np.asarray(self.influence.std(axis=0, ddof=1) / np.sqrt(runs))


def ratio(top: Floats, bottom: Floats) -> Measure:
    """Return the ratio of sums over replications (R, m), NaN where the lower ones are 0.

    Its error is by linearisation (Law 2015, section 9.4.1).

    Examples
    --------
    >>> found = ratio(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]]))
    >>> found.estimate.tolist(), found.se.round(4).tolist()
    ([0.6666666666666666], [0.1111])
    """
    middle = bottom.mean(axis=0)
    some = np.where(middle > TINY, middle, np.nan)
    share = top.mean(axis=0) / some
    return Measure(share, (top - share * bottom) / some)


def _mean(sums: Floats, counted: int) -> Measure:
    per_period = sums / counted
    estimate = per_period.mean(axis=0)
    return Measure(estimate, per_period - estimate)


def _below(sites: Sites, by_arc: Floats) -> Floats:
    """Return (R, n) sums over the arcs out of each stage."""
    out = np.zeros((sites.stages.height, by_arc.shape[0]))
    np.add.at(out, sites.arcs["from_index"].to_numpy(), by_arc.T)
    return out.T


def measures(sites: Sites, sums: Sums) -> dict[str, Measure]:
    """Return the measures of every stage.

    fill_rate: units served to customers from stock in the period they were asked for / units asked.
    internal_fill: units shipped to stages below within the period of the order / units ordered.
    fill_all: both together. cycle_service: replenishments (periods with a receipt) before which nothing
    was owed and no sale was lost since the last one / replenishments. ready_rate: share of periods that
    end with nothing owed and no sale lost. full_rate: share of periods with demand in which all of it
    was served. Per period, at its end after shipping: on_hand_mean, backlog_mean (owed to customers),
    owed_mean (owed to stages below), on_order_mean (ordered, not yet usable), in_process_mean (started,
    or sent by the outside supplier), in_transit_mean (that and what is under way on the arc in; NaN for
    an assembly of several components, whose units differ: see the arcs). Flows per period: demand_mean,
    lost_mean, orders_mean, ordered_mean. cost_mean: holding cost of what is on hand, transit
    cost of what is on the way here, components waiting and in process at the holding cost of where they
    came from, backorder cost of the backlog and of lost units.

    Parameters
    ----------
    sites : (n stages, a arcs)
    sums : of R replications

    Returns
    -------
    name -> Measure of n stages
    """
    site, arcs = sums.site, sites.arcs.height
    line, own = sums.line[:, :arcs], sums.line[:, arcs:]
    served, wanted = site[..., column.SERVED], site[..., column.DEMAND]
    at_once, asked = (_below(sites, line[..., at]) for at in (column.AT_ONCE, column.ASKED))
    found = {
        "fill_rate": ratio(served, wanted),
        "internal_fill": ratio(at_once, asked),
        "fill_all": ratio(served + at_once, wanted + asked),
        "cycle_service": ratio(site[..., column.GOOD_CYCLE], site[..., column.CYCLE]),
        "ready_rate": _mean(site[..., column.WAS_CLEAR], sums.counted),
        "full_rate": ratio(site[..., column.WAS_FULL], site[..., column.HAD_DEMAND]),
    }
    means = {
        "on_hand_mean": site[..., column.ON_HAND],
        "backlog_mean": site[..., column.BACKLOG],
        "owed_mean": site[..., column.OWED_DOWN],
        "on_order_mean": site[..., column.ON_ORDER],
        "in_process_mean": own[..., column.IN_TRANSIT],
        "in_transit_mean": _on_the_way(sites, line[..., column.IN_TRANSIT], own[..., column.IN_TRANSIT]),
        "demand_mean": wanted,
        "lost_mean": site[..., column.LOST],
        "orders_mean": site[..., column.ORDERS],
        "ordered_mean": site[..., column.ORDERED],
        "cost_mean": _cost(sites, sums),
    }
    return found | {name: _mean(total, sums.counted) for name, total in means.items()}


def _on_the_way(sites: Sites, in_transit: Floats, in_process: Floats) -> Floats:
    """Return units on the way to each stage, in its own units; NaN where several components come in."""
    target = sites.arcs["to_index"].to_numpy()
    total = in_process.copy()
    total[:, target] += in_transit / sites.arcs["quantity"].to_numpy()
    total[:, np.bincount(target, minlength=sites.stages.height) > 1] = np.nan
    return total


def _cost(sites: Sites, sums: Sums) -> Floats:
    """Return (R, n) cost of each stage over the counted periods."""
    arcs, site = sites.arcs, sums.site
    n, source, target = sites.stages.height, arcs["from_index"].to_numpy(), arcs["to_index"].to_numpy()
    holding, backorder = (sites.stages[name].to_numpy() for name in ("holding_cost", "backorder_cost"))
    transit = arcs["transit_cost"].fill_null(pl.Series(holding[source])).to_numpy()
    line, own = sums.line[:, : arcs.height], sums.line[:, arcs.height :]
    kit = np.bincount(target, weights=arcs["quantity"].to_numpy() * holding[source], minlength=n)
    cost = holding * site[..., column.ON_HAND] + kit * own[..., column.IN_TRANSIT]
    cost += backorder * (site[..., column.BACKLOG] + site[..., column.LOST])
    into = transit * line[..., column.IN_TRANSIT] + holding[source] * line[..., column.WAITING]
    np.add.at(cost.T, target, into.T)
    return np.asarray(cost)


def _table(names: dict[str, pl.Series], found: dict[str, Measure]) -> pl.DataFrame:
    values: dict[str, pl.Series | Floats] = dict(names)
    for name, measure in found.items():
        values[name] = measure.estimate
        values[f"{name}_se"] = np.where(np.isnan(measure.estimate), np.nan, measure.se)
    return pl.DataFrame(values).with_columns(pl.selectors.float().fill_nan(None))


def stage_table(sites: Sites, sums: Sums) -> pl.DataFrame:
    """Return all measures of the stages, with standard errors; null where not defined."""
    return _table({"stage": sites.stages["stage"]}, measures(sites, sums))


def arc_table(sites: Sites, sums: Sums) -> pl.DataFrame:
    """Return the measures of the arcs, in units of the upstream stage, with standard errors."""
    line = sums.line[:, : sites.arcs.height]
    found = {"fill_rate": ratio(line[..., column.AT_ONCE], line[..., column.ASKED])} | {
        f"{name}_mean": _mean(line[..., at], sums.counted)
        for name, at in (
            ("ordered", column.ASKED), ("owed", column.OWED),
            ("in_transit", column.IN_TRANSIT), ("waiting", column.WAITING),
        )
    }  # fmt: skip
    return _table({name: sites.arcs[name] for name in ("from_stage", "to_stage")}, found)


def paired(before: Measure, after: Measure) -> Measure:
    """Return the difference after - before of two runs on the same draws; what they share cancels."""
    return Measure(after.estimate - before.estimate, after.influence - before.influence)
