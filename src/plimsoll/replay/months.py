"""The ledger of a replay month by month: the table `kpi_ledger`, which key figures are drawn from."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.demand.panel import KEY
from plimsoll.domain.calendar import PERIOD_DAYS
from plimsoll.domain.kpis import REPLAY
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.ragged import Floats
from plimsoll.replay.ledger import customer_share, full_lines
from plimsoll.replay.run import RuleRun
from plimsoll.replay.world import World

SHORT = 1e-3  # units; the detail of a replay is kept in single precision


def month_ledger(world: World, run: RuleRun, left_out: pl.DataFrame) -> pl.DataFrame:
    """Return the table `kpi_ledger` of one rule: its counted periods, by the month in which each ends.

    The sums mean what they mean for the records: stock at the end of a period stands for all its days;
    served in time is what stock served in the period that asked; each stock-out that begins is expedited
    once, at the cost of the lane. What only a plan or a person can tell is null.

    Parameters
    ----------
    world : what the rule met
    run : what it came to
    left_out : item_id, location_id of points whose numbers do not count
    """
    gone = left_out.select(KEY).unique().with_columns(gone=True)
    marked = world.points.join(gone, on=KEY, how="left", maintain_order="left")
    kept = marked["gone"].is_null().to_numpy()
    points = marked.filter(pl.Series(kept))
    months = pl.Series(world.clock.ends[world.warm_up + 1 :]).dt.truncate("1mo")
    starts = months.unique().sort()
    of_month = np.zeros((len(months), len(starts)))
    of_month[np.arange(len(months)), np.searchsorted(starts.to_numpy(), months.to_numpy())] = 1.0
    sums = {name: each[kept] @ of_month for name, each in _by_period(world, run).items()}
    n, m = len(points), len(starts)
    rows = pl.DataFrame(
        {name: points[name].gather(np.repeat(np.arange(n), m)) for name in KEY}
        | {"period": pl.concat([starts] * n) if n else starts.clear()}
        | {name: each.ravel() for name, each in sums.items()}
    )
    money = points.select(
        *KEY, "unit_cost_eff", "unit_price_eff", "holding_rate_eff", "expedite_cost"
    ).with_columns(share=pl.Series(customer_share(world)[kept]))
    return table("kpi_ledger").conform(
        _valued(rows.join(money, on=KEY), PERIOD_DAYS[world.clock.bucket], run)
    )


def _by_period(world: World, run: RuleRun) -> dict[str, Floats]:
    """Return what came of each point in each counted period, units."""
    detail = run.ledger.detail.astype(np.float64)
    wanted = np.nan_to_num(world.demand)
    served = np.minimum(detail[kernel.D_AVAILABLE], wanted)
    unmet = wanted - served
    before = np.column_stack([world.backlog, detail[kernel.D_BACKLOG][:, :-1]])
    owed_anew = np.where(world.is_lost[:, None], 0.0, unmet)
    paid = np.maximum(before + owed_anew - detail[kernel.D_BACKLOG], 0.0)
    lines, full = full_lines(world, run)
    counted = slice(world.warm_up + 1, None)
    by_period = {
        "periods": np.ones_like(wanted),
        "on_hand": detail[kernel.D_ON_HAND],
        "empty": (detail[kernel.D_ON_HAND] <= SHORT).astype(np.float64),
        "emptied": _begun(detail[kernel.D_ON_HAND] <= SHORT),
        "shortages": _begun(unmet > SHORT),
        "asked_qty": wanted,
        "served_qty": served,
        "paid": paid,
        "lines": lines,
        "full_lines": full,
    }
    return {name: each[:, counted] for name, each in by_period.items()}


def _begun(state: NDArray[np.bool_]) -> Floats:
    """Return 1 where a state holds that did not hold in the period before."""
    begun = state.copy()
    begun[:, 1:] &= ~state[:, :-1]
    return begun.astype(np.float64)


def _valued(rows: pl.DataFrame, days: float, run: RuleRun) -> pl.DataFrame:
    """Return the sums in the units of the ledger: days and money."""
    cost, price = pl.col("unit_cost_eff"), pl.col("unit_price_eff") * pl.col("share")
    sold = (pl.col("served_qty") + pl.col("paid")) * pl.col("share")
    value_days = pl.col("on_hand") * cost * days
    return rows.select(
        *KEY, "period", "lines", "full_lines", "asked_qty", "served_qty",
        source=pl.lit(f"{REPLAY}{run.rule}"),
        stock_days=pl.col("periods") * days,
        stock_value_days=value_days,
        carrying_cost=value_days * pl.col("holding_rate_eff") / 365.25,
        stockout_days=pl.col("empty") * days,
        watched_days=pl.col("periods") * days,
        stockouts_begun="emptied",
        asked_value=pl.col("asked_qty") * price,
        served_value=pl.col("served_qty") * price,
        demand_value=pl.col("asked_qty") * price,
        cogs=sold * cost,
        sales_value=sold * pl.col("unit_price_eff"),
        expedite_cost=pl.col("shortages") * pl.col("expedite_cost"),
    )  # fmt: skip
