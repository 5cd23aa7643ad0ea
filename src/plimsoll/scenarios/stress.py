"""Many disruptions at once: how long stock lasts, when all is well again, and what is lost meanwhile.

No stage runs again. Demand and supply flow at their expected rates (Simchi-Levi, Schmidt & Wei 2014;
Simchi-Levi et al. 2015): a point's stock is that of all that it feeds, in its own units, and what it
cannot replenish is missing below it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from plimsoll.domain.disruptions import Disruption
from plimsoll.domain.findings import numbered
from plimsoll.domain.scenarios import Change
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.scenarios.delays import first_day, later
from plimsoll.scenarios.demands import customer_share
from plimsoll.scenarios.names import within
from plimsoll.scenarios.paths import KEY, Paths, column, paths

BLOCK = 2048  # points whose days are in memory at once
LEAST = 1e-9
GOODS = ("item", "category", "location")


@dataclass(frozen=True, slots=True)
class Flows:
    """What flows through every point (n,), in the order of `paths`; money a unit, rates a day.

    `own` : what customers ask for here; `rate` : with all that it feeds; `stock` : on hand less owed, here
    and below; `lead` : mean days of the lane in force; `ordered` : today's order from outside. `due_point`,
    `due_day`, `due_quantity` (m,) : what is on order, where and when it comes; `is_hit` columns come from
    `about`, rows of `planning_point` in the same order, and `due_about`, those of the orders.
    """

    paths: Paths
    own: Floats
    rate: Floats
    stock: Floats
    lead: Floats
    ordered: Floats
    price: Floats
    margin: Floats
    promised: Floats
    due_point: Ints
    due_day: Floats
    due_quantity: Floats
    about: pl.DataFrame
    due_about: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Hit:
    """Points hit directly (m,) as numbers; days by which what comes later comes later, of each; and demand.

    `gap` (m,) days; `start` days from now; `extra` (n,) units a day that customers ask for more, for
    `lasts` days.
    """

    roots: Ints
    gap: Floats
    start: float
    extra: Floats
    lasts: float


def flows_of(tables: Mapping[str, pl.DataFrame], open_orders: pl.DataFrame, *, as_of: date) -> Flows:
    """Return what flows, from the tables of a plan.

    Parameters
    ----------
    tables : planning_point, network_stage, network_arc, outlook, lead_time_estimate, recommendation, policy
        of the plan
    open_orders : table `open_orders`; an order that is overdue or has no due date comes tomorrow
    as_of : day of knowledge
    """
    way = paths(tables["planning_point"], tables["network_arc"])
    about = way.points.join(tables["planning_point"], on=KEY, how="left", maintain_order="left")
    own = column(way, tables, "network_stage", "own_mean_per_day")
    here = column(way, tables, "outlook", "on_hand_qty") - column(way, tables, "outlook", "backlog_qty")
    lane = [*KEY, "from_location_id"]
    lead = about.join(
        tables["lead_time_estimate"].rename({"to_location_id": "location_id"}).select(*lane, "mean_days_est"),
        on=lane, how="left", maintain_order="left",
    )["mean_days_est"].fill_null(0.0).to_numpy()  # fmt: skip
    today = tables["recommendation"].group_by("item_id", location_id="to_location_id").agg(
        pl.col("quantity").sum()
    )  # fmt: skip
    orders = open_orders.rename({"to_location_id": "location_id", "from_location_id": "sent_from"}).join(
        about.with_row_index("point").select("point", *KEY, "category", "from_location_id"), on=KEY
    )
    orders = orders.with_columns(from_location_id=pl.coalesce("sent_from", "from_location_id")).sort(
        "order_id", "line", *KEY
    )
    days = (pl.col("due_date") - as_of).dt.total_days().fill_null(1).clip(1).cast(pl.Float64)
    return Flows(
        paths=way,
        own=own,
        rate=way.up(own),
        stock=way.up(here),
        lead=lead,
        ordered=column(way, {"today": today}, "today", "quantity"),
        price=about["unit_price_eff"].to_numpy(),
        margin=(about["unit_price_eff"] - about["unit_cost_eff"]).clip(0.0).to_numpy(),
        promised=column(way, tables, "policy", "target_service_eff"),
        due_point=orders["point"].cast(pl.Int64).to_numpy(),
        due_day=orders.select(days).to_series().to_numpy(),
        due_quantity=orders["quantity"].to_numpy(),
        about=about,
        due_about=orders,
    )


def hit_by(change: Change, flows: Flows, demand: pl.DataFrame, *, as_of: date) -> Hit:
    """Return what a disruption hits directly, as of `Hit`."""
    nothing = np.zeros(len(flows.own))
    start = first_day(change, as_of)
    if change.kind == "demand":
        share = flows.about.select(mine=within(change, of=GOODS))["mine"].to_numpy().astype(np.float64)
        if change.customer is not None:
            share *= customer_share(demand, change.customer, flows.paths.points, as_of)
        extra = flows.own * share * (float(change.factor or 0.0) - 1.0)
        roots = np.flatnonzero(np.abs(flows.paths.up(extra)) > LEAST)
        lasts = (change.end - as_of).days - start if change.end is not None else np.inf
        return Hit(roots, np.zeros(len(roots)), start, extra, float(max(lasts, 0.0)))
    mine = flows.about.select(mine=within(change))["mine"].to_numpy()
    roots = np.flatnonzero(mine & (flows.rate > LEAST))
    if change.kind == "outage":
        gap = np.full(len(roots), float(change.days or 0.0))
    else:
        gap = later(change, flows.lead[roots], as_of) - flows.lead[roots]
    return Hit(roots, gap, start, nothing, 0.0)


def unserved(
    flows: Flows, hit: Hit, change: Change | None, roots: Ints, horizon: int, as_of: date
) -> tuple[Floats, Floats]:
    """Return what is not served on each coming day (m, H) at some points, and what is asked for (m, H).

        U(t) = max over s <= t of (D(s) - E - A(s) - S(s))+,   not served on day t = U(t) - U(t - 1)

    with demand D, stock E, orders under way A and later supply S up to day s; what comes on a day serves it.
    What is not served is lost, or late. Orders placed from today on come at the rate of demand after the
    lead time L. In an outage from a to b = a + n all work stands still: what would have come after a comes n
    days later, and on b + L come the orders that were to be placed meanwhile. A delay is an outage from now
    on: the plan orders at once what the longer way holds.

    Parameters
    ----------
    change : the disruption; None: as if nothing happened
    roots : points, as numbers
    """
    days = np.arange(horizon + 1, dtype=np.float64)
    lead, rate = flows.lead[roots][:, None], flows.rate[roots][:, None]
    extra = flows.paths.up(hit.extra)[roots][:, None] if change is not None else 0.0 * rate
    asked = rate * days + extra * np.clip(days - hit.start, 0.0, hit.lasts)
    supplied = rate * np.maximum(days - lead, 0.0)
    supplied += extra * np.clip(days - hit.start - lead, 0.0, hit.lasts)
    gap = np.zeros(len(flows.own))
    due, first = flows.due_day, flows.lead[roots]
    if change is not None and change.kind != "demand":
        gap[hit.roots] = hit.gap
        n, a = gap[roots][:, None], hit.start
        before = np.clip(np.minimum(days, a) - lead, 0.0, None)
        resumed = np.clip(days - n - np.maximum(a, lead), 0.0, np.minimum(lead, a))
        supplied = rate * np.where(days >= a + n + lead, np.maximum(days - lead, 0.0), before + resumed)
        first = np.where(first > a, first + gap[roots], first)
        mine = flows.due_about.select(mine=within(change))["mine"].to_numpy()
        due = np.where(mine, np.maximum(later(change, due, as_of), 1.0), due)
    coming = csr_array(
        (flows.due_quantity, (flows.due_point, np.minimum(np.ceil(due), horizon + 1).astype(np.int64))),
        shape=(len(flows.own), horizon + 2),
    )
    arriving = (flows.paths.use[roots] @ coming).toarray()
    place = np.minimum(np.ceil(np.maximum(first, 1.0)), horizon + 1).astype(np.int64)
    arriving[np.arange(len(roots)), place] += flows.ordered[roots]
    there = flows.stock[roots][:, None] + np.cumsum(arriving[:, : horizon + 1], axis=1) + supplied
    short = np.maximum.accumulate(np.maximum(asked - there, 0.0), axis=1)
    return np.diff(short, axis=1), np.diff(asked, axis=1)


def stress(
    flows: Flows,
    disruptions: Sequence[Disruption],
    demand: pl.DataFrame,
    horizon: int,
    *,
    as_of: date,
) -> dict[str, pl.DataFrame]:
    """Return what each disruption does: tables `stress_disruption` and `stress_item`.

        lost share of d on day t = max over the points u hit above d of
                                   (not served at u with it - without it)+ / asked for at u
        time to survive   = first day on which the sales lost are a larger share than promised to be borne
        time to recover   = last day on which sales are lost
        money at risk     = sum over days and customers' points of lost share x demand x (price - cost)
        expected loss     = probability x money at risk

    Days count from the beginning of the disruption. Stock below a point hit is taken to be where it is
    needed.

    Parameters
    ----------
    flows : as of `flows_of`
    disruptions : with probabilities
    demand : table `demand`, for shares of customers
    horizon : days to look ahead
    as_of : day of knowledge
    """
    totals, items = [], []
    every = np.arange(len(flows.own))
    calm = Hit(every[:0], np.zeros(0), 0.0, np.zeros(len(every)), 0.0)
    parts = [every[lo : lo + BLOCK] for lo in range(0, len(every), BLOCK)]
    calmly = [unserved(flows, calm, None, part, horizon, as_of)[0] for part in parts]
    usual = np.concatenate([np.zeros((0, horizon)), *calmly])
    for each in disruptions:
        hit = hit_by(each.change, flows, demand, as_of=as_of)
        lost = list(_lost(flows, hit, each.change, usual, as_of))
        below = np.unique(flows.paths.use[hit.roots].indices).astype(np.int64)
        below = below[flows.own[below] > LEAST]
        at_stake = flows.own * flows.price
        value = at_stake[below].sum()
        borne = 1.0 - float((at_stake * flows.promised)[below].sum() / value) if value > 0 else 0.0
        daily = sum((part.sold for part in lost), np.zeros(horizon))
        rows = pl.concat([part.rows for part in lost]) if lost else None
        totals.append(_total(each, hit, flows, daily, value, borne, below, rows))
        if rows is not None:
            items.append(rows.with_columns(disruption_id=pl.lit(each.name)))
    declared = table("stress_item")
    found = declared.conform(pl.concat(items)) if items else declared.empty()
    ranked = pl.DataFrame(totals, infer_schema_length=None).sort(
        pl.col("expected_loss").round(6),
        pl.col("money_at_risk").round(6),
        "disruption_id",
        descending=[True, True, False],
    )
    ranked = ranked.with_columns(rank=pl.int_range(1, pl.len() + 1))
    return {"stress_disruption": table("stress_disruption").conform(ranked), "stress_item": found}


@dataclass(frozen=True, slots=True)
class _Part:
    """Sales lost a day (H,), and rows of `stress_item` of some customers' points."""

    sold: Floats
    rows: pl.DataFrame


def _lost(flows: Flows, hit: Hit, change: Change, usual: Floats, as_of: date) -> Iterator[_Part]:
    """Yield what customers lose, some points at a time; `usual` (n, H) is what is not served anyway."""
    horizon = usual.shape[1]
    shares, roots = [], []
    for lo in range(0, len(hit.roots), BLOCK):
        part = hit.roots[lo : lo + BLOCK]
        with_it, asked = unserved(flows, hit, change, part, horizon, as_of)
        more = np.maximum(with_it - usual[part], 0.0)
        share = np.minimum(np.divide(more, asked, out=np.zeros_like(more), where=asked > LEAST), 1.0)
        loses = share.max(axis=1, initial=0.0) > LEAST
        shares.append(share[loses])
        roots.append(part[loses])
    all_shares, all_roots = (
        np.concatenate([np.zeros((0, horizon)), *shares]),
        np.concatenate([hit.roots[:0], *roots]),
    )
    use = flows.paths.use[all_roots].tocoo()
    above, below = use.row, use.col
    kept = flows.own[below] + np.abs(hit.extra[below]) > LEAST
    above, below = above[kept], below[kept]
    order = np.lexsort((above, below))
    above, below = above[order], below[order]
    points, starts = np.unique(below.astype(np.int64), return_index=True)
    ends = np.append(starts, len(below))
    lo = 0
    while lo < len(points):
        hi = max(int(np.searchsorted(ends, ends[lo] + BLOCK, side="right")) - 1, lo + 1)
        pairs = all_shares[above[ends[lo] : ends[hi]]]
        share = np.maximum.reduceat(pairs, starts[lo:hi] - ends[lo], axis=0)
        worst = _first_largest(pairs.sum(axis=1), starts[lo:hi] - ends[lo])
        yield _part(flows, hit, points[lo:hi], share, all_roots[above[ends[lo] : ends[hi]][worst]], horizon)
        lo = hi


def _first_largest(values: Floats, starts: Ints) -> Ints:
    """Return the place of the largest value of each group; the first of equal ones."""
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    order = np.lexsort((np.arange(len(values)), -values, group))
    return np.asarray(order[starts])


def _part(flows: Flows, hit: Hit, points: Ints, share: Floats, via: Ints, horizon: int) -> _Part:
    """Return what the lost shares (m, H) of customers' points come to."""
    days = np.arange(1, horizon + 1)
    during = np.clip(days - hit.start, 0.0, hit.lasts) - np.clip(days - 1 - hit.start, 0.0, hit.lasts)
    units = share * (flows.own[points][:, None] + hit.extra[points][:, None] * during)
    first = np.argmax(share > LEAST, axis=1) - hit.start
    total = units.sum(axis=1)
    names, causes = flows.paths.points[points], flows.paths.points[via]
    rows = names.with_columns(
        short_days=pl.Series(np.maximum(first, 0.0)),
        unmet_qty=pl.Series(total),
        unmet_value=pl.Series(total * flows.price[points]),
        money_at_risk=pl.Series(total * flows.margin[points]),
        via_item_id=causes["item_id"],
        via_location_id=causes["location_id"],
    )
    return _Part(flows.price[points] @ units, rows.filter(pl.Series(total > LEAST)))


def _total(
    each: Disruption,
    hit: Hit,
    flows: Flows,
    daily: Floats,
    value: float,
    borne: float,
    below: Ints,
    rows: pl.DataFrame | None,
) -> dict[str, object]:
    """Return the row of one disruption."""
    asked = value + hit_value(hit, flows, len(daily))
    lost = daily > LEAST * max(value, 1.0)
    beyond = daily > (borne + LEAST) * np.maximum(asked, LEAST)
    some = rows is not None and rows.height > 0
    by_item = (
        rows.group_by("item_id")
        .agg(pl.col("money_at_risk").sum())
        .sort("money_at_risk", "item_id", descending=[True, False])
        if rows is not None and some
        else None
    )
    money = float(rows["money_at_risk"].sum()) if rows is not None else 0.0
    found = {
        "disruption_id": each.name,
        "kind": each.change.kind,
        "subject_kind": each.subject_kind,
        "subject": each.subject,
        "start_days": hit.start,
        "days": float(min(hit.lasts, len(daily)) if hit.extra.any() else hit.gap.max(initial=0.0)),
        "probability": each.probability,
        "n_points": len(hit.roots),
        "n_items": flows.paths.points[below]["item_id"].n_unique(),
        "demand_value_per_day": float(value),
        "survive_days": float(np.argmax(beyond) - hit.start) if beyond.any() else None,
        "first_short_days": float(rows["short_days"].min()) if rows is not None and some else None,  # type: ignore[arg-type]
        "recover_days": max(float(np.flatnonzero(lost)[-1]) + 1.0 - hit.start, 0.0) if lost.any() else 0.0,
        "n_items_short": by_item.height if by_item is not None else 0,
        "unmet_value": float(rows["unmet_value"].sum()) if rows is not None else 0.0,
        "money_at_risk": money,
        "expected_loss": each.probability * money,
        "worst_item_id": by_item["item_id"][0] if by_item is not None else None,
        "worst_money": float(by_item["money_at_risk"][0]) if by_item is not None else None,
    }
    return found | {"sentence": _sentence(found)}


def hit_value(hit: Hit, flows: Flows, horizon: int) -> Floats:
    """Return the sales a day (H,) that customers ask for more."""
    days = np.arange(1, horizon + 1)
    during = np.clip(days - hit.start, 0.0, hit.lasts) - np.clip(days - 1 - hit.start, 0.0, hit.lasts)
    return np.asarray(float(hit.extra @ flows.price) * during)


def _sentence(found: Mapping[str, object]) -> str:
    lasts = f"{found['days']:.0f} days"
    what = {
        "outage": f"{found['subject']} does nothing for {lasts}",
        "delay": f"Orders {found['subject']} come up to {lasts} later",
        "demand": f"{found['subject']} asks for more for {lasts}",
    }[str(found["kind"])]
    if not found["n_items_short"]:
        return f"{what}: stock and orders under way last."
    survive = found["survive_days"]
    lasting = "service stays as promised" if survive is None else f"service holds for {survive:.0f} days"
    short = numbered("{n} item<|s> run<s|> short", int(str(found["n_items_short"])))
    return (
        f"{what}: {lasting}, nothing is lost after day {found['recover_days']:.0f}; "
        f"{short.format(n=found['n_items_short'])}, most {found['worst_item_id']}."
    )
