"""The lead-time distribution of every lane, from receipts as far as they go."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.supply import atoms
from plimsoll.supply.credibility import Moments, Pooled, evidence_ratio, inside, moments, pool, spread_ratio
from plimsoll.supply.observations import NODE, number_nodes, observe
from plimsoll.supply.params import SupplyParams

METHODS = ("item", "lane", "supplier", "typed", "default")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the receipts say at each level, and how far each level is to be believed.

    Groups are numbered: nodes (an item on a lane), lanes (two places), suppliers (who sends). `in_lane`
    and `in_supplier` hold the variance within the items of each lane and the lanes of each supplier.
    """

    supplier_of_lane: Ints
    by_item: Moments
    by_lane: Moments
    by_supplier: Moments
    in_lane: Moments
    in_supplier: Moments
    k: dict[str, float]
    deliveries: pl.DataFrame


def estimate(
    receipts: pl.DataFrame, lanes: pl.DataFrame, params: SupplyParams, *, as_of: date
) -> pl.DataFrame:
    """Return the lead-time distribution of every lane row, pooled from item to lane to supplier by evidence.

        mean_supplier = z m_supplier + (1 - z) typed,  mean_lane = z m_lane + (1 - z) mean_supplier,
        mean_item = z m_item + (1 - z) mean_lane,      z = n / (n + k) of each level

    (credibility after Buehlmann & Straub 1970, nested as in Jewell 1975; k from the data, see
    `credibility.evidence_ratio`). Variances are pooled alike. The shape comes from the widest
    evidence: standardised residuals of the lane, or else of the supplier, or else a gamma, as
    24 bins of equal count, stretched to the estimated mean and spread.

    Parameters
    ----------
    receipts : table `receipts`; rows received after `as_of` are not read
    lanes : table `lanes`
    params : options
    as_of : day of knowledge

    Returns
    -------
    Table `lead_time_estimate`, one row a lane row. Lead times in days from order to usable stock.
    `method_used` names the level with the largest weight in the mean.

    Conventions: an observation is one order delivery (`observations.observe`); for `k`, values are
    divided by their supplier's mean, so that slow suppliers do not drown the others.
    Edge cases: no receipts of the supplier: typed value, or default, with the spread `typed_cv`,
    an assumption; receipts but no typed value: only receipts; a constant lead time: one atom.

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
    nodes = number_nodes(receipts, lanes)
    evidence = _weigh(*observe(receipts, nodes, params, as_of=as_of), nodes, params)
    rows = nodes.filter("wanted")
    return table("lead_time_estimate").conform(_result(rows, evidence, params))


def _weigh(
    items: pl.DataFrame, deliveries: pl.DataFrame, nodes: pl.DataFrame, params: SupplyParams
) -> Evidence:
    """Return the moments of each level and the evidence ratios that the data support."""
    lane_of, supplier_of = nodes["lane"].to_numpy(), nodes["supplier"].to_numpy()
    supplier_of_lane = nodes.unique("lane", keep="first", maintain_order=True)["supplier"].to_numpy()
    n_lanes, n_suppliers = supplier_of_lane.size, int(supplier_of[-1]) + 1
    node, lead_item = items["node"].to_numpy(), items["lead_days"].to_numpy()
    lane, lead_lane = deliveries["lane"].to_numpy(), deliveries["lead_days"].to_numpy()
    supplier = deliveries["supplier"].to_numpy()
    by_supplier = moments(supplier, lead_lane, n_suppliers)

    scale = np.where(by_supplier.mean > 0, by_supplier.mean, 1.0)
    relative_item, relative_lane = lead_item / scale[supplier_of[node]], lead_lane / scale[supplier]
    item, of_lane = moments(node, relative_item, lane_of.size), moments(lane, relative_lane, n_lanes)
    typed = nodes.filter(pl.col("lead_time_days_set").is_not_null())
    believed = moments(typed["supplier"].to_numpy(), typed["lead_time_days_set"].to_numpy(), n_suppliers)
    known = np.where(believed.n > 0, believed.mean / scale, np.nan)
    sup = np.arange(n_suppliers)
    k = {
        "item": evidence_ratio(item, lane_of, params),
        "lane": evidence_ratio(of_lane, supplier_of_lane, params),
        "supplier": evidence_ratio(moments(supplier, relative_lane, n_suppliers), sup, params, known=known),
        "item_spread": spread_ratio(node, relative_item, item, lane_of, params),
        "lane_spread": spread_ratio(lane, relative_lane, of_lane, supplier_of_lane, params),
    }
    by_item, by_lane = moments(node, lead_item, lane_of.size), moments(lane, lead_lane, n_lanes)
    return Evidence(
        supplier_of_lane,
        by_item,
        by_lane,
        by_supplier,
        inside(by_item, lane_of, n_lanes),
        inside(by_lane, supplier_of_lane, n_suppliers),
        k,
        deliveries,
    )


def _supplier_level(own: Moments, typed: Floats, k: float, params: SupplyParams) -> Pooled:
    """Return mean and variance of each row's supplier, the typed value standing behind its receipts.

    A default is no evidence: where nothing was typed, receipts have the whole weight.
    """
    no_prior = np.isnan(typed)
    prior = np.where(no_prior, np.where(own.n > 0, own.mean, params.default_lead_time_days), typed)
    weight = np.where(no_prior, np.minimum(own.n, 1), own.n / (own.n + k))
    mean = weight * own.mean + (1.0 - weight) * prior
    trust = np.clip((own.n - 1) / (params.spread_full_receipts - 1), 0.0, 1.0)
    return Pooled(weight, mean, trust * own.var + (1.0 - trust) * np.square(params.typed_cv * mean))


def _result(rows: pl.DataFrame, evidence: Evidence, params: SupplyParams) -> pl.DataFrame:
    """Return the columns of the estimate for the nodes asked for."""
    node, lane, supplier = (rows[name].to_numpy() for name in ("node", "lane", "supplier"))
    own, of_lane = evidence.by_item.take(node), evidence.by_lane.take(lane)
    of_supplier = evidence.by_supplier.take(supplier)
    typed = rows["lead_time_days_set"].to_numpy()
    k = evidence.k
    level_s = _supplier_level(of_supplier, typed, k["supplier"], params)
    level_l = pool(of_lane, level_s, evidence.in_supplier.take(supplier), k["lane"], k["lane_spread"])
    level_i = pool(own, level_l, evidence.in_lane.take(lane), k["item"], k["item_spread"])

    left = 1.0 - level_i.weight
    weights = np.stack([level_i.weight, left * level_l.weight, left * (1 - level_l.weight) * level_s.weight])
    rest = left * (1 - level_l.weight) * (1 - level_s.weight)
    used = np.argmax(np.vstack([weights, rest]), axis=0)
    used += (used == 3) & np.isnan(typed)

    sd = np.sqrt(level_i.var)
    shape, share = _shapes(
        lane, supplier, sd / np.where(level_i.mean > 0, level_i.mean, 1.0), evidence, params
    )
    days = atoms.stretch(level_i.mean, sd, shape, share)
    atom_days, atom_probability = atoms.as_lists(days, share)
    return rows.select(
        *NODE,
        "lead_time_days_set",
        pl.Series("mean_days_est", level_i.mean),
        pl.Series("sd_days_est", np.where(sd > 0, atoms.moments_of(days, share)[1], 0.0)),
        pl.Series("n_receipts_item", own.n),
        pl.Series("n_receipts_lane", of_lane.n),
        pl.Series("n_receipts_supplier", of_supplier.n),
        *(pl.Series(f"weight_{name}", weight) for name, weight in zip(METHODS, weights, strict=False)),
        pl.Series("method_used", np.array(METHODS)[used]),
        pl.lit("item").alias("method_wanted"),
        pl.Series("atom_days", atom_days),
        pl.Series("atom_probability", atom_probability),
    ).with_columns(_reason(params))


def _reason(params: SupplyParams) -> pl.Expr:
    """Return why the item's own receipts do not decide, in words."""
    spread = f"a spread of {100 * params.typed_cv:.0f} % of the mean is assumed"
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
        .then(pl.lit(f"no usable receipts from the supplier; {spread}"))
        .when(n < params.spread_full_receipts)
        .then(pl.format(f"{{}} usable receipts from the supplier; in part {spread}", n))
        .when(pl.col("n_receipts_item") == 0)
        .then(pl.lit("no usable receipts of the item on this lane"))
        .otherwise(few)
        .alias("fallback_reason")
    )


def _shapes(
    lane: Ints, supplier: Ints, cv: Floats, evidence: Evidence, params: SupplyParams
) -> tuple[Floats, Floats]:
    """Return standardised atoms and probabilities of each row: of its lane, or else its supplier, or a gamma.

    Residuals of a supplier's deliveries are taken about the pooled means of its lanes: about raw
    means, lanes with one or two deliveries would show no spread.
    """
    of_lane, of_supplier, lead = (
        evidence.deliveries[name].to_numpy() for name in ("lane", "supplier", "lead_days")
    )
    wider = evidence.by_supplier.take(evidence.supplier_of_lane)
    pooled = pool(
        evidence.by_lane,
        Pooled(np.ones(wider.n.size), wider.mean, wider.var),
        evidence.in_supplier.take(evidence.supplier_of_lane),
        evidence.k["lane"],
        evidence.k["lane_spread"],
    )
    sd = np.sqrt(np.where(pooled.var > 0, pooled.var, 1.0))
    residual = (lead - pooled.mean[of_lane]) / sd[of_lane]
    shape, share = atoms.gamma_shapes(cv)
    for rows, group, value, n_groups in (
        (supplier, of_supplier, residual, evidence.by_supplier.n.size),
        (lane, of_lane, lead, sd.size),
    ):
        own, own_share, usable = atoms.own_shapes(group, value, n_groups, params.shape_min_receipts)
        known = usable[rows]
        shape[known], share[known] = own[rows[known]], own_share[rows[known]]
    return shape, share
