"""The ledger of a replay as tables: one row a rule and point, and one a rule and period."""

import numpy as np
import polars as pl

from plimsoll.demand.panel import KEY
from plimsoll.domain.tables import table
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.ragged import Floats
from plimsoll.replay.run import RuleRun
from plimsoll.replay.world import World

SUMS = {
    "periods": kernel.PERIODS,
    "unobserved_periods": kernel.UNOBSERVED,
    "demand_qty": kernel.DEMAND,
    "served_qty": kernel.SERVED,
    "lost_qty": kernel.LOST,
    "paid_back_qty": kernel.PAID_BACK,
    "received_qty": kernel.RECEIVED,
    "ordered_qty": kernel.ORDERED,
    "orders": kernel.ORDERS,
    "cycles": kernel.CYCLES,
    "good_cycles": kernel.GOOD_CYCLES,
    "demand_periods": kernel.DEMAND_PERIODS,
    "full_periods": kernel.FULL_PERIODS,
    "clear_periods": kernel.CLEAR_PERIODS,
    "shortages": kernel.SHORTAGES,
}
MEANS = {
    "on_hand_mean_qty": kernel.ON_HAND_SUM,
    "on_order_mean_qty": kernel.ON_ORDER_SUM,
    "backlog_mean_qty": kernel.BACKLOG_SUM,
}
_SLACK = 1e-3  # units by which a line may miss the stock kept in single precision, relative to its size


def ledger_table(world: World, run: RuleRun, classes: pl.DataFrame) -> pl.DataFrame:
    """Return the table `ledger` of one rule over the counted periods.

    Parameters
    ----------
    world : what it met
    run : what it came to
    classes : item_id, location_id, abc of the first day
    """
    totals = run.ledger.totals
    periods = np.maximum(totals[:, kernel.PERIODS], 1.0)
    lines, full = (each[:, world.warm_up + 1 :].sum(axis=1) for each in full_lines(world, run))
    rows = world.points.select(
        *KEY, "expedite_cost", unit_cost="unit_cost_eff", unit_price="unit_price_eff"
    ).with_columns(
        rule=pl.lit(run.rule),
        **{name: pl.Series(totals[:, at].copy()) for name, at in SUMS.items()},
        **{name: pl.Series(totals[:, at] / periods) for name, at in MEANS.items()},
        lines=pl.Series(lines),
        full_lines=pl.Series(full),
        opening_qty=pl.Series(run.opening),
        closing_qty=pl.Series(run.ledger.state[:, kernel.ON_HAND].copy()),
        customer_share=pl.Series(customer_share(world)),
        cycle_service_est=pl.Series(run.cycle_service, nan_to_null=True),
        fill_rate_est=pl.Series(run.fill_rate, nan_to_null=True),
    )
    known = rows.join(classes.select(*KEY, "abc"), on=KEY, how="left", maintain_order="left")
    return table("ledger").conform(known)


def customer_share(world: World) -> Floats:
    """Return the share of each point's demand that customers ask for."""
    asked = np.nansum(world.demand, axis=1)
    customers = world.points["customers"].to_numpy()
    share = np.divide(customers, asked, out=np.zeros(len(asked)), where=asked > 0)
    return np.asarray(np.minimum(share, 1.0))


def full_lines(world: World, run: RuleRun) -> tuple[Floats, Floats]:
    """Return customers' lines by point and column, and those served in full from stock in their order."""
    row, column = world.lines["row"].to_numpy(), world.lines["column"].to_numpy()
    upto = world.lines["upto"].to_numpy()
    available = run.ledger.detail[kernel.D_AVAILABLE, row, column].astype(np.float64)
    is_full = upto <= available + _SLACK * np.minimum(upto, 1.0)
    lines, full = np.zeros((2, *world.demand.shape))
    np.add.at(lines, (row, column), 1.0)
    np.add.at(full, (row, column), is_full.astype(np.float64))
    return lines, full


def period_table(world: World, runs: list[RuleRun], left_out: pl.DataFrame) -> pl.DataFrame:
    """Return the table `replay_period` of all rules, without the points left out.

    Parameters
    ----------
    world : what they met
    runs : what they came to
    left_out : item_id, location_id of points whose numbers do not count
    """
    gone = left_out.select(KEY).unique().with_columns(gone=True)
    marked = world.points.select(KEY).join(gone, on=KEY, how="left", maintain_order="left")
    kept = marked["gone"].is_null().to_numpy()
    cost = world.points["unit_cost_eff"].to_numpy()[kept]
    wanted = np.nan_to_num(world.demand[kept])
    frames = []
    for run in runs:
        detail = run.ledger.detail[:, kept, :].astype(np.float64)
        moved = detail[kernel.D_ORDERED] - detail[kernel.D_RECEIVED]
        units = {
            "stock_value": detail[kernel.D_ON_HAND],
            "on_order_value": world.arrivals[kept].sum(axis=1)[:, None] + np.cumsum(moved, axis=1),
            "owed_value": detail[kernel.D_BACKLOG],
            "demand_value": wanted,
            "served_value": np.minimum(detail[kernel.D_AVAILABLE], wanted),
            "ordered_value": detail[kernel.D_ORDERED],
            "received_value": detail[kernel.D_RECEIVED],
        }
        frame = pl.DataFrame(
            {"date": world.clock.ends} | {name: np.maximum(cost @ each, 0.0) for name, each in units.items()}
        )
        frames.append(
            frame.with_columns(rule=pl.lit(run.rule), counted=pl.int_range(pl.len()) > world.warm_up)
        )
    return table("replay_period").conform(pl.concat(frames))
