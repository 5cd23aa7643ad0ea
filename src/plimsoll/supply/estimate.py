"""The lead-time distribution of every lane, from receipts and open orders as far as they go."""

from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply import atoms
from plimsoll.supply.history import History, factor_today, plain_samples, read_history, weighted_samples
from plimsoll.supply.levels import Levels, Samples, Tree, estimate_levels
from plimsoll.supply.observations import NODE, Observed, number_nodes, observe
from plimsoll.supply.params import SupplyParams
from plimsoll.supply.prior import modes_of
from plimsoll.supply.shapes import shapes

FOR_REASONS = ("node", "supplier", "typed_ratio", "assumed_cv", "cv_measured")
METHODS = ("item", "lane", "supplier", "mode", "typed", "company", "default")


def estimate(
    receipts: pl.DataFrame,
    lanes: pl.DataFrame,
    params: SupplyParams,
    *,
    as_of: date,
    open_orders: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the lead-time distribution of every lane row, pooled from item to lane to supplier by evidence.

        mean_supplier = z m_supplier + (1 - z) prior,  mean_lane = z m_lane + (1 - z) mean_supplier,
        mean_item = z m_item + (1 - z) mean_lane,      z = n / (n + k) of each level

    (credibility after Buehlmann & Straub 1970, nested as in Jewell 1975; k from the data, see
    `credibility.evidence_ratio`). The prior is the typed value times the ratio of actual to typed
    lead times of other suppliers, or else the mean of suppliers of the same mode (`prior.others`).
    Variances are pooled alike, those of suppliers by their logarithm. n counts receipts less what has
    faded (`recency`) or was before a step (`drift`), and open orders by what they tell (`censored`). The
    shape comes from the widest evidence: standardised residuals of the lane, or else of the supplier, or
    else a gamma, as 24 bins of equal weight, stretched to the estimated mean and spread; all days times
    the factor of the month (`season`).

    Parameters
    ----------
    receipts : table `receipts`; rows received after `as_of` are not read
    lanes : table `lanes`
    params : options
    as_of : day of knowledge
    open_orders : table `open_orders` as of that day; None where it is not known

    Returns
    -------
    Table `lead_time_estimate`, one row a lane row. Lead times in days from order to usable stock, of an
    order placed on `as_of`. `method_used` names the level with the largest weight in the mean.

    Conventions: an observation is one order delivery (`observations.observe`); for `k`, values are
    divided by their supplier's mean, so that slow suppliers do not drown the others.
    Edge cases: no receipts of any supplier: typed value, or default, with the spread `typed_cv`,
    an assumption; receipts but no typed value nor other suppliers: only receipts; a constant lead
    time: one atom.

    Examples
    --------
    >>> lane = {"item_id": "A", "to_location_id": "DC", "from_location_id": "S", "lead_time_days_set": 30.0}
    >>> lanes = table("lanes").conform(pl.DataFrame([lane]))
    >>> found = estimate(table("receipts").empty(), lanes, SupplyParams(), as_of=date(2026, 3, 1))
    >>> found.select("mean_days_est", "sd_days_est", "method_used").row(0)
    (30.0, 9.0, 'typed')
    """
    if lanes.is_empty():
        return table("lead_time_estimate").empty()
    known = receipts.filter(pl.col("received_date") <= as_of)
    nodes = number_nodes(known, lanes)
    seen = observe(known, nodes, params, as_of=as_of, open_orders=open_orders)
    tree = Tree.of(nodes, modes_of(lanes, known, nodes))
    plain = estimate_levels(plain_samples(seen), tree, params)
    history = read_history(seen, plain, tree, params, as_of=as_of)
    samples = weighted_samples(seen, history, params, as_of=as_of)
    levels = estimate_levels(samples, tree, params)
    found = _result(nodes.filter("wanted"), levels, samples, tree, history, params, as_of)
    counted = found.with_columns(_counts(seen, found, tree)).with_columns(_reason(params))
    return table("lead_time_estimate").conform(
        counted.drop("node", "supplier", "typed_ratio", "assumed_cv", "cv_measured")
    )


def _result(
    rows: pl.DataFrame,
    levels: Levels,
    samples: Samples,
    tree: Tree,
    history: History,
    params: SupplyParams,
    as_of: date,
) -> pl.DataFrame:
    """Return the columns of the estimate for the nodes asked for, and their `node`."""
    node = rows["node"].to_numpy()
    weights, used = _evidence(levels, tree, node)
    mean, sd = levels.of_item.mean[node], np.sqrt(levels.of_item.var[node])
    shape, share = shapes(node, sd / np.where(mean > 0, mean, 1.0), levels, samples, tree, params)
    season = factor_today(history.season, tree.supplier[node], as_of)
    days = season[:, None] * atoms.stretch(mean, sd, shape, share)
    atom_days, atom_probability = atoms.as_lists(days, share)
    outside = levels.outside
    life = history.half_life_days
    return rows.select(
        *NODE,
        "node",
        "supplier",
        "lead_time_days_set",
        pl.Series("mean_days_opt", season * mean),
        pl.Series("mean_days_est", season * mean),
        pl.Series("sd_days_est", np.where(sd > 0, atoms.moments_of(days, share)[1], 0.0)),
        *(pl.Series(f"weight_{name}", weight) for name, weight in zip(METHODS[:4], weights, strict=True)),
        pl.Series("method_used", np.array(METHODS)[used]),
        pl.lit("item").alias("method_wanted"),
        pl.lit(life, dtype=pl.Float64).alias("half_life_days"),
        pl.Series("season_factor", season),
        pl.Series("typed_ratio", outside.ratio[node]),
        pl.Series("assumed_cv", outside.cv[node]),
        pl.Series("cv_measured", outside.cv_measured[node]),
        pl.Series("atom_days", atom_days),
        pl.Series("atom_probability", atom_probability),
    ).join(history.changes, on="supplier", how="left", maintain_order="left")


def _evidence(levels: Levels, tree: Tree, node: Ints) -> tuple[Floats, Ints]:
    """Return the weights of item, lane, supplier and other suppliers, and which of METHODS decides."""
    item, lane, supplier = (
        level.weight[node] for level in (levels.of_item, levels.of_lane, levels.of_supplier)
    )
    left = 1.0 - item
    rest = left * (1 - lane) * (1 - supplier)
    typed = ~np.isnan(tree.typed[node])
    others = ~typed & ~np.isnan(levels.outside.mean[node])
    weights = np.stack([item, left * lane, left * (1 - lane) * supplier, np.where(others, rest, 0.0)])
    used = np.argmax(np.vstack([weights[:3], rest]), axis=0)
    behind = np.where(typed, 4, np.where(~others, 6, np.where(levels.outside.same_mode[node], 3, 5)))
    return weights, np.where(used == 3, behind, used)


def _counts(seen: Observed, found: pl.DataFrame, tree: Tree) -> list[pl.Series]:
    """Return how many deliveries and open orders there are, whatever they weigh, and why others decide."""
    node, supplier = found["node"].to_numpy(), found["supplier"].to_numpy()
    groups = {
        "n_receipts_item": (seen.items["node"], tree.lane.size, node),
        "n_receipts_lane": (seen.deliveries["lane"], tree.supplier_of_lane.size, tree.lane[node]),
        "n_receipts_supplier": (seen.deliveries["supplier"], tree.mode.size, supplier),
        "n_open_orders": (seen.open_lanes["supplier"], tree.mode.size, supplier),
    }
    return [
        pl.Series(name, np.bincount(group.to_numpy(), minlength=size)[at])
        for name, (group, size, at) in groups.items()
    ]


def _reason(params: SupplyParams) -> pl.Expr:
    """Return why the item's own receipts do not decide, in words."""
    cv = (100 * pl.col("assumed_cv")).round().cast(pl.Int64)
    spread = (
        pl.when("cv_measured")
        .then(pl.format("the spread is that of other suppliers, {} % of the mean", cv))
        .otherwise(pl.format("a spread of {} % of the mean is assumed", cv))
    )
    ratio = pl.col("typed_ratio")
    percent = (100 * ratio).round().cast(pl.Int64)
    times = (
        pl.when((pl.col("method_used") == "typed") & ((ratio - 1.0).abs() >= 0.005))
        .then(pl.format("; typed days count {} %, as with other suppliers", percent))
        .otherwise(pl.lit(""))
    )
    stepped = pl.format(
        "few receipts since the lead time changed on {}", pl.col("change_date").dt.to_string("%Y-%m-%d")
    )
    few = pl.format(
        "{} receipts of the item weigh {} % in the mean",
        "n_receipts_item",
        (100 * pl.col("weight_item")).round().cast(pl.Int64),
    )
    n = pl.col("n_receipts_supplier")
    return (
        pl.when(pl.col("method_used") == "item")
        .then(None)
        .when(n == 0)
        .then(pl.format("no usable receipts from the supplier; {}{}", spread, times))
        .when(n < params.spread_full_receipts)
        .then(pl.format("{} usable receipts from the supplier; in part {}{}", n, spread, times))
        .when(pl.col("n_receipts_item") == 0)
        .then(pl.lit("no usable receipts of the item on this lane"))
        .when(pl.col("change_date").is_not_null())
        .then(stepped)
        .otherwise(few)
        .alias("fallback_reason")
    )
