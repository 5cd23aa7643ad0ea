"""A company for simulated pilots: its points, how its planners order, and what the plan would order."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll import ingest
from plimsoll.domain.raw import RawTable
from plimsoll.examples.company import generate
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.pilot.week import KEY
from plimsoll.workflows.pipeline import decide
from plimsoll.workflows.settings import Settings

# How planners stock by posture of the demo company: reorder point against a sensible one, and weeks of
# demand held above it.
OLD = {"sensible": (1.0, (3.0, 10.0)), "short": (0.35, (0.0, 0.0)), "heavy": (1.0, (12.0, 40.0))}
LEADS = 61  # lead times of a lane that are drawn and used in turn
EXPEDITE = 210.0  # extra cost of an order, where the lane names none: the median of those that do


@dataclass(frozen=True, slots=True)
class PilotCompany:
    """The n points that take part, in key order, and what is decided for them.

    Parameters
    ----------
    points : table for `pilot.item_measures`, with unit_cost, unit_price, expedite_cost
    rate, line_qty : (n,) true order lines a day and units a line, what is sent on included
    amplitude, peak_week : (n,) true season
    lead_mean, lead_sd : (n,) true lead time, days
    minimum, multiple : (n,) of orders, units
    old, plan : (n, 2) reorder point and order-up-to level that planners use, and of the plan
    """

    seed: int
    as_of: date
    points: pl.DataFrame
    rate: Floats
    line_qty: Floats
    amplitude: Floats
    peak_week: Floats
    lead_mean: Floats
    lead_sd: Floats
    minimum: Floats
    multiple: Floats
    old: Floats
    plan: Floats


def company(n_items: int, seed: int) -> PilotCompany:
    """Return the demo company of a seed with the plan of its day, ready for pilots after that day.

    The plan is made from the company's files by the code that makes every plan; the truth behind them
    says how demand and lead times go on.
    """
    made, settings = generate(n_items, seed), Settings()
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in made.sources.items()]
    read = ingest.read(raws, ingest.Mapping.from_text(made.mapping), settings.ingest)
    facts = ingest.known_at(read.tables, made.as_of)
    plan = decide(facts, settings, as_of=made.as_of, seed=1)
    levels = plan.sized.policies.select(
        *KEY, "policy", "reorder_point_qty", "order_up_to_qty", "min_order_qty", "order_multiple", "lot_qty",
    )  # fmt: skip
    rows = (
        plan.points.filter("planned")
        .join(levels, on=KEY)
        .filter(pl.col("policy") != "none")
        .join(plan.target.select(*KEY, "abc", "annual_value"), on=KEY)
        .join(plan.lives.estimates.select(*KEY, "demand_class"), on=KEY)
        .join(made.truth["points"].drop("launch_date", "end_date", "stopped_date"), on=KEY)
        .join(made.truth["stock"].select(*KEY, "posture", "sensible_reorder_point_qty"), on=KEY)
        .join(
            made.truth["lanes"].select(
                "item_id", "from_location_id", "mean_days", "sd_days", location_id="to_location_id"
            ),
            on=[*KEY, "from_location_id"],
        )
        .filter(pl.col("rate_with_downstream_now") > 0, pl.col("posture") != "dead")
        .sort(KEY)
    )

    return _company(rows, facts["lanes"], seed, made.as_of)


def _company(rows: pl.DataFrame, lanes: pl.DataFrame, seed: int, as_of: date) -> PilotCompany:
    """Return the company of points with plan and truth side by side."""
    costs = lanes.select("item_id", "from_location_id", "expedite_cost", location_id="to_location_id")
    rows = rows.join(
        costs.unique([*KEY, "from_location_id"], keep="first"),
        on=[*KEY, "from_location_id"],
        how="left",
        maintain_order="left",
    )
    week = rows["rate_with_downstream_now"].to_numpy()
    line = np.maximum(rows["mean_line_qty"].to_numpy(), 1.0)
    postures = rows["posture"].to_list()
    rng = rng_for(seed, "pilot company")
    above = np.array([rng.uniform(*OLD[name][1]) for name in postures])
    low = np.ceil(
        np.array([OLD[name][0] for name in postures]) * rows["sensible_reorder_point_qty"].to_numpy()
        + above * week
    )
    lot = np.maximum(rows["lot_qty"].to_numpy(), 1.0)
    cost = pl.col("unit_cost_eff")
    points = rows.select(
        *KEY, "description", "abc", "demand_class", "annual_value",
        lead_days="mean_days",
        astray=pl.Series(above * week) * cost,
        on_hand_value=pl.lit(0.0),
        unit_cost=cost,
        unit_price="unit_price_eff",
        expedite_cost=pl.col("expedite_cost").fill_null(EXPEDITE),
    )  # fmt: skip
    return PilotCompany(
        seed=seed,
        as_of=as_of,
        points=points,
        rate=week / line / 7,
        line_qty=line,
        amplitude=rows["season_amplitude"].to_numpy(),
        peak_week=rows["season_peak_week"].to_numpy().astype(np.float64),
        lead_mean=rows["mean_days"].to_numpy(),
        lead_sd=rows["sd_days"].to_numpy(),
        minimum=rows["min_order_qty"].fill_null(0.0).to_numpy(),
        multiple=np.maximum(rows["order_multiple"].fill_null(1.0).to_numpy(), 1.0),
        old=np.column_stack([low, low + np.ceil(lot)]),
        plan=np.rint(rows.select("reorder_point_qty", "order_up_to_qty").to_numpy()),
    )


def drawn_demand(of: PilotCompany, days: int, rng: np.random.Generator) -> Floats:
    """Return units asked for at each point on each day (n, days): lines of 1 and a geometric number more."""
    season = 2 * np.pi * (np.arange(days) / 7 - of.peak_week[:, None]) / 52
    rate = of.rate[:, None] * np.maximum(1 + of.amplitude[:, None] * np.cos(season), 0.0)
    lines = rng.poisson(rate)
    row, day = np.nonzero(lines)
    n, share = lines[row, day], 1 / of.line_qty[row]
    more = np.where(share < 1, rng.negative_binomial(n, np.minimum(share, 1 - 1e-9)), 0)
    units = np.zeros(lines.shape)
    units[row, day] = n + more
    return units


def drawn_leads(of: PilotCompany, rng: np.random.Generator) -> Ints:
    """Return lead times in whole days (n, LEADS), gamma with the mean and deviation of the lane."""
    mean = np.maximum(of.lead_mean, 0.5)[:, None]
    shape = (mean / np.maximum(of.lead_sd[:, None], 0.05 * mean)) ** 2
    return np.rint(rng.gamma(shape, mean / shape, (len(of.lead_mean), LEADS))).astype(np.int64)
