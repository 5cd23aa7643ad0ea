"""What it costs to believe a typed lead time that is not so: cash where too long, service where too short."""

import numpy as np
import polars as pl
from scipy.special import ndtri

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs, yearly_use
from plimsoll.audit.rows import LANE, POINT, amount, figure
from plimsoll.maths.shortage import shortage

YEAR = 365.25
Z_USUAL = 1.645  # 95 %, where no plan says a target
EMPTY = [*LANE, "cash", "shortage_per_year", "words"]


def cost_of_belief(company: Company, lanes: pl.DataFrame) -> pl.DataFrame:
    """Return what planning by the typed lead time would cost at each lane that is in force.

    The planner's rule orders up to a level that covers the interval of lead time L plus review R:

        y(L, s) = m (L + R) + z sqrt(v (L + R) + m^2 s^2)          (Silver, Pyke & Thomas 2017, ch. 6)

    with m the demand a day, v its variance a day, s the spread of the lead time and z of the target. By
    the typed value it is y_t = y(typed, 0), by the receipts y_m = y(mean, sd). Believing the typed one

    - too long holds cash = max(y_t - y_m, 0) x cost,
    - too short serves only P(D <= y_t) of the cycles, D the demand over the real interval, and loses
      (n(y_t) - n(y_m))^+ x price in each of 365.25 / (mean + R) intervals a year, n(y) = E[(D - y)^+].

    P and n are summed over the distribution of `demand_estimate`. Before the first plan m is last year's
    use, v that of a Poisson stream, and of the loss only what the days uncovered would ask for is said.

    Parameters
    ----------
    company : with `planning_point`, and `demand_estimate` and `policy` where planned
    lanes : the lane's key, lead_time_days_set, mean_days_est, sd_days_est (days)

    Returns
    -------
    pl.DataFrame
        The lane's key, cash (money), shortage_per_year (money per year), words; only lanes in force with a
        measured lead time and a use.
    """
    force = company.result("planning_point").select(
        "item_id", "from_location_id", "review_days_eff", to_location_id="location_id"
    )
    asked = lanes.drop_nulls(["lead_time_days_set", "mean_days_est"]).select(
        *LANE, "lead_time_days_set", "mean_days_est", "sd_days_est"
    )
    rows = (
        asked.join(force, on=LANE)
        .rename({"to_location_id": "location_id"})
        .join(costs(company), on="item_id", how="left")
        .sort(POINT)
    )
    planned = rows.join(
        company.result("demand_estimate").select(
            *POINT, "mean_per_day_est", "sd_protection_qty", "protection_days_mean", "protection_days_sd",
            "step_qty", "pmf_protection",
        ),
        on=POINT,
    ).join(company.result("policy").select(*POINT, "target_service_eff"), on=POINT)  # fmt: skip
    asking = (pl.col("mean_per_day_est") > 0) & (pl.col("protection_days_mean") > 0)
    planned = planned.filter(asking).sort(POINT)
    found = [_summed(planned), _guessed(company, rows.join(planned, on=POINT, how="anti"))]
    return pl.concat(found).rename({"location_id": "to_location_id"}).select(EMPTY)


def _levels(m: pl.Expr, v: pl.Expr, z: pl.Expr) -> dict[str, pl.Expr]:
    review = pl.col("review_days_eff")
    typed, mean = pl.col("lead_time_days_set") + review, pl.col("mean_days_est") + review
    spread = pl.col("sd_days_est")
    return {
        "by_typed": m * typed + z * (v * typed).sqrt(),
        "by_receipts": m * mean + z * (v * mean + m**2 * spread**2).sqrt(),
        "cycles": YEAR / mean,
    }


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return cash and shortage by the plan's own distributions."""
    m = pl.col("mean_per_day_est")
    variance = pl.col("sd_protection_qty") ** 2 - m**2 * pl.col("protection_days_sd") ** 2
    v = (variance / pl.col("protection_days_mean")).clip(0.0)
    # A target of 1 has no z, one below a half no buffer.
    share = rows["target_service_eff"].clip(0.5, 0.999).to_numpy()
    rows = rows.with_columns(z=pl.Series(ndtri(share), dtype=pl.Float64))
    rows = rows.with_columns(**_levels(m, v, pl.col("z")))
    step = rows["step_qty"].to_numpy()
    tails = [
        shortage(rows["pmf_protection"], step, rows[name].to_numpy()) for name in ("by_typed", "by_receipts")
    ]
    rows = rows.with_columns(
        service=pl.Series(1.0 - tails[0].probability, dtype=pl.Float64),
        lost=pl.Series(np.maximum(tails[0].expected - tails[1].expected, 0.0), dtype=pl.Float64),
    )
    service = (pl.col("service") * 100).round(0)
    return _worded(
        rows.with_columns(
            cash=(pl.col("by_typed") - pl.col("by_receipts")).clip(0.0) * pl.col("cost"),
            shortage_per_year=pl.col("lost") * pl.col("cycles") * pl.coalesce("unit_price", "cost"),
        ),
        "",
        pl.format(
            "; a reorder level by the typed value serves {} % of the cycles and is short of {} a year",
            figure(service), amount(pl.col("shortage_per_year")),
        ),
    )  # fmt: skip


def _guessed(company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    """Return cash and uncovered demand from last year's use alone."""
    m = pl.col("use") / YEAR
    rows = rows.join(yearly_use(company), on=POINT).with_columns(**_levels(m, m, pl.lit(Z_USUAL)))
    days = pl.col("mean_days_est") - pl.col("lead_time_days_set")
    uncovered = (m * days).clip(0.0) * pl.col("cycles") * pl.coalesce("unit_price", "cost")
    return _worded(
        rows.with_columns(
            cash=(pl.col("by_typed") - pl.col("by_receipts")).clip(0.0) * pl.col("cost"),
            shortage_per_year=uncovered,
        ),
        "about ",
        pl.format(
            "; about {} a year is asked for in the days that it leaves uncovered",
            amount(pl.col("shortage_per_year")),
        ),
    )


def _worded(rows: pl.DataFrame, about: str, short: pl.Expr) -> pl.DataFrame:
    long = pl.format(f"; a buffer by the typed value holds {about}{{}} too much", amount(pl.col("cash")))
    words = (
        pl.when((pl.col("lead_time_days_set") > pl.col("mean_days_est")) & pl.col("cash").is_not_null())
        .then(long)
        .when(pl.col("shortage_per_year").is_not_null())
        .then(short)
    )
    return rows.select(*POINT, "from_location_id", "cash", "shortage_per_year", words=words)
