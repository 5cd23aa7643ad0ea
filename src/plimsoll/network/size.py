"""The policy of every stocking point with connected places sized together."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.domain.findings import Finding, Message, keys_of
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.network_laws import law_moments
from plimsoll.maths.ragged import Floats, from_lists, to_lists
from plimsoll.network import delays
from plimsoll.network.links import KEY, Links, connected, is_decided, links
from plimsoll.network.promises import Passed, cheaper, service_table
from plimsoll.network.stochastic import Forest, least_cost
from plimsoll.policy import PolicyParams
from plimsoll.policy import size as size_alone

Choose = Callable[[pl.DataFrame], Floats]
WORTHWHILE = 0.5  # of a shortage; less of a change is mostly the rounding of levels
MOST = 1.0 - 1e-9  # a source that never owes a unit would need all of the law's tail
_ALONE = (
    "buffer_demand_qty", "buffer_lead_time_qty", "buffer_lot_review_qty",
    "classic_safety_stock_qty", "classic_reorder_point_qty",
)  # fmt: skip
_NEEDED = (
    "mean_lead", "var_lead", "mean_protection", "var_protection", "var_review", "lot", "unit", "periods",
    "until", "own_share", "unit_cost",
)  # fmt: skip
_AIMS = ("target_kind_eff", "target_service_eff", "target_source")
SIZED = Message(
    "network_sized",
    "info",
    "policy",
    "{n} point<|s> that feed each other in {trees} trees of places of ours <is|are> sized together ({keys}).",
    "A place holds what those it feeds cannot do without, and they hold what covers its shortages.",
    "Expected stock is {network}; with each place's own target it would be {separate} for the same promise.",
    "Table network_service says for each point what it serves, waits for and holds, and why.",
)
NO_SOURCE = Message(
    "source_holds_nothing",
    "warning",
    "planning_point",
    "{n} point<|s> <is|are> replenished from a place of ours that holds nothing of the item ({keys}).",
    "What is ordered there has to come from somewhere first, which takes longer than the transfer.",
    "<It is|They are> sized as if the source always delivered.",
    "Plan the item at the source, or change the lane of <this point|these points>.",
)


@dataclass(frozen=True, slots=True)
class Sized:
    """Policies with connected places sized together.

    `policies` : table `policy`
    `service` : table `network_service`, one row a point that is sized together with others
    `target` : table `target` as sized; rows the network decided have target_source "network"
    `findings` : what could not be connected, and what the network is worth
    """

    policies: pl.DataFrame
    service: pl.DataFrame
    target: pl.DataFrame
    findings: tuple[Finding, ...]


def size(
    points: pl.DataFrame,
    demand_estimate: pl.DataFrame,
    target: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: PolicyParams,
    choose: Choose | None = None,
    ship_days: float = 1.0,
    stages: pl.DataFrame | None = None,
) -> Sized:
    """Return the policy of every planning point, places that feed each other sized together.

    1. Every place alone (`plimsoll.policy.size`); without source and claimants of ours that is all.
    2. `choose` says what share of the demand at each feeding place is to be met at once.
    3. From the sources down: the law of what a source owes (`delays.owed`), split among its claimants,
       is added to the demand that each of them must last for (`delays.delayed`), and each is sized for
       its own target with that law.
    4. The same with the targets that each place would have alone; each tree takes what holds less at cost.

    Parameters
    ----------
    points, demand_estimate, target, lead_times : tables `planning_point`, `demand_estimate`, `target`,
        `lead_time_estimate`
    params : options of sizing one place
    choose : returns a fill rate for each row of `moments`; only those of feeding places are read; without
        it `least_cost_fills`
    ship_days : days between the moments at which places ship what they owe; 1: on the day stock arrives
    stages : table `network_stage`; points that a finding took out of the network are sized alone

    Returns
    -------
    Sized
        `policies` as of `policy.size`; buffer_network_qty is the buffer in the network less the buffer
        alone, the other parts of the buffer are those of the buffer alone.

    Conventions
    -----------
    Customers' points keep their target, whatever their source does. A feeding place without customers
    of its own is sized for the fill rate chosen; with customers for its own target, or for the fill rate
    chosen where that leaves less than half of the shortage: they draw on the same shelf, first come,
    first served. A target or a level set by a person is kept. Lead times of
    transfers are taken as transit times.

    Edge cases
    ----------
    A source that holds nothing (left out, or without demand) is taken to deliver always; a finding
    names those it feeds. Sources with lost sales owe their claimants as if they were backlogged. With
    lost sales downstream the mean wait lengthens the lead time that is simulated.
    """
    alone = size_alone(points, demand_estimate, target, params, lead_times)
    tree = links(connected(points, stages), demand_estimate, target, alone)
    unfed = _unfed(points, alone)
    if not tree.points.height:
        return Sized(alone, table("network_service").empty(), target, unfed)
    given = tree, points, demand_estimate, lead_times, params, ship_days
    aims = _aims(tree, (choose or least_cost_fills)(moments(tree, ship_days)))
    separate = _sized(*given, target)
    chosen = _sized(*given, _with_aims(target, aims))
    found, is_chosen = cheaper(tree, chosen, separate)
    kept = aims.join(tree.points.filter(pl.Series(is_chosen)).select(KEY), on=KEY, how="semi")
    before = _of(tree, alone)
    policies = _with_parts(found.policies, before)
    service = service_table(tree, before, separate.policies, found)
    rest = alone.join(policies.select(KEY), on=KEY, how="anti")
    return Sized(
        table("policy").conform(pl.concat([rest, policies])),
        service,
        table("target").conform(_with_aims(target, kept)),
        (*unfed, _worth(tree, service)),
    )


def moments(tree: Links, ship_days: float = 1.0) -> pl.DataFrame:
    """Return what the choice of service at feeding places rests on, a row a point, sources first.

    | column | unit | meaning |
    |---|---|---|
    | item_id, location_id | | the point |
    | source | row | its source, -1 without one |
    | share, own_share | share | of its source's demand; customers' share of the demand here |
    | mean_protection, var_protection | units | demand over lead time and review interval |
    | mean_lead, var_lead | units | demand over the lead time |
    | mean_review, var_review | units | demand over the review interval |
    | periods | periods | review interval |
    | until | share | of demand over the protection interval in what is owed, see `delays.until` |
    | lot, unit | units | width of a uniform law with the variance of the position; lattice step |
    | order | units | mean size of an order |
    | unit_cost | money | cost of a unit |
    | target_fill | share | fill rate that its target comes to alone; null without customers of its own |
    | fixed_fill | share | the same where a person set the target of a feeding place; null elsewhere |
    """
    points, step = tree.points, tree.points["step_qty"].to_numpy()
    mean, variance = {}, {}
    for name in ("pmf_protection", "pmf_lead", "pmf_review"):
        steps, squares = law_moments(*from_lists(points[name]))
        mean[name], variance[name] = steps * step, squares * step**2
    serves = pl.Series(_serves(tree))
    is_set = pl.Series(tree.feeds) & is_decided(points)
    return points.select(
        *KEY,
        source=pl.Series(tree.source),
        share=pl.Series(tree.share),
        own_share=pl.Series(tree.own),
        mean_protection=pl.Series(mean["pmf_protection"]),
        var_protection=pl.Series(variance["pmf_protection"]),
        mean_lead=pl.Series(mean["pmf_lead"]),
        var_lead=pl.Series(variance["pmf_lead"]),
        mean_review=pl.Series(mean["pmf_review"]),
        var_review=pl.Series(variance["pmf_review"]),
        periods=pl.col("review_days_eff") / pl.col("period_days"),
        until=pl.Series(delays.until(tree, slice(0, points.height), ship_days)),
        lot=pl.Series(tree.lot),
        unit=pl.Series(tree.unit),
        order=pl.Series(tree.order),
        unit_cost="unit_cost_eff",
        target_fill=pl.when(serves).then("fill_rate_est"),
        fixed_fill=pl.when(is_set).then("fill_rate_est"),
    )


def least_cost_fills(known: pl.DataFrame) -> Floats:
    """Return the fill rate of each place of which the levels of least stock value come (two moments).

    Parameters
    ----------
    known : frame as of `moments`; targets of customers and of persons are kept, see
        `plimsoll.network.stochastic.least_cost`
    """
    column = {name: known[name].cast(pl.Float64).to_numpy() for name in _NEEDED}
    target = known.select(pl.coalesce("target_fill", "fixed_fill").fill_null(np.nan)).to_series()
    forest = Forest(
        parent=known["source"].to_numpy(),
        lead_mean=column["mean_lead"],
        lead_variance=column["var_lead"],
        protection_mean=column["mean_protection"],
        protection_variance=column["var_protection"],
        review_variance=column["var_review"],
        lot=column["lot"],
        unit=column["unit"],
        periods=np.maximum(column["periods"], 1.0),
        own_share=column["own_share"],
        unit_cost=column["unit_cost"],
        target=np.minimum(target.to_numpy(), MOST),
    )
    return least_cost(forest, column["until"]).service.fill


def _serves(tree: Links) -> NDArray[np.bool_]:
    """Return which points have customers of their own: those that feed none have nothing else."""
    return ~tree.feeds | (tree.own > 0.0)


def _aims(tree: Links, fill: Floats) -> pl.DataFrame:
    """Return the targets of feeding places that the network decides."""
    is_set = is_decided(tree.points).to_numpy()
    fill = np.asarray(fill, dtype=np.float64).clip(0.0, MOST)
    short = 1.0 - tree.points["fill_rate_est"].to_numpy()
    above = 1.0 - fill < WORTHWHILE * short
    decides = tree.feeds & ~is_set & (above | ~_serves(tree))
    return tree.points.select(
        *KEY,
        target_kind_eff=pl.lit("fill"),
        target_service_eff=pl.Series(fill),
        target_source=pl.lit("network"),
    ).filter(pl.Series(decides))


def _with_aims(target: pl.DataFrame, aims: pl.DataFrame) -> pl.DataFrame:
    return target.update(aims.select(*KEY, *_AIMS), on=KEY, how="left", maintain_order="left")


def _of(tree: Links, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the tree's points, in its order."""
    return tree.points.select(KEY).join(rows, on=KEY, how="left", maintain_order="left", validate="1:1")


def _sized(
    tree: Links,
    points: pl.DataFrame,
    estimates: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: PolicyParams,
    ship_days: float,
    target: pl.DataFrame,
) -> Passed:
    """Return the policies of the tree's points, and what they wait for and owe, depth by depth."""
    given = [_of(tree, frame) for frame in (points, estimates, target)]
    above, found = None, []
    for rows in tree.levels():
        now = delays.delayed(tree, rows, above)
        known = delays.with_laws(given[1][rows], now)
        waits = _with_waits(lead_times, given[0][rows], known)
        policies = size_alone(given[0][rows], known, given[2][rows], params, waits)
        policies = given[0][rows].select(KEY).join(policies, on=KEY, how="left", maintain_order="left")
        above = delays.owed(tree, rows, now, policies, ship_days)
        mean, variance = law_moments(*above.total)
        step = tree.points["step_qty"][rows].to_numpy()
        feeds = tree.feeds[rows]
        owes = (np.where(feeds, mean * step, 0.0), np.where(feeds, np.sqrt(variance) * step, 0.0))
        found.append((policies, now.mean, now.sd, *owes))
    columns = list(zip(*found, strict=True))
    return Passed(pl.concat(columns[0]), *(np.concatenate(column) for column in columns[1:]))


def _with_waits(lead_times: pl.DataFrame, points: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the lead times of points with lost sales, the expected wait for the source added.

    Where unmet demand waits the laws of demand carry the wait, and lead times are not read.
    """
    lost = known.select(
        *KEY,
        days=pl.col("waiting_mean_qty") / pl.col("mean_per_day_est"),
        lost=points["unmet_demand_eff"] == "lost",
    ).filter(pl.col("lost") & pl.col("days").is_finite())
    lane = ["item_id", "to_location_id"]
    waiting = lead_times.join(lost, left_on=lane, right_on=KEY, maintain_order="left")
    values, bounds = from_lists(waiting["atom_days"])
    later = to_lists(values + np.repeat(waiting["days"].to_numpy(), np.diff(bounds)), bounds)
    return waiting.with_columns(atom_days=later)


def _with_parts(policies: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return the policies with the buffer split as alone, and what the network changes beside it."""
    parts = policies.with_columns(before[name] for name in _ALONE)
    sized = pl.col("buffer_qty") - pl.col("buffer_override_qty")
    return parts.with_columns(
        buffer_network_qty=sized - (before["buffer_qty"] - before["buffer_override_qty"])
    )


def _unfed(points: pl.DataFrame, alone: pl.DataFrame) -> tuple[Finding, ...]:
    """Return the finding about points whose source is a place of ours that holds nothing."""
    holds = alone.select("item_id", from_location_id="location_id", source_policy="policy")
    found = (
        points.filter(
            (pl.col("supply_kind") == "transfer") & (pl.col("from_location_id") != pl.col("location_id"))
        )
        .join(alone.filter(pl.col("policy") != "none").select(KEY), on=KEY, how="semi")
        .join(holds, on=["item_id", "from_location_id"])
        .filter(pl.col("source_policy") == "none")
        .sort(KEY)
    )
    return (NO_SOURCE.finding(found.height, keys_of(found, KEY)),) if found.height else ()


def _worth(tree: Links, service: pl.DataFrame) -> Finding:
    separate, network = (
        f"{service[name].sum():,.0f}" for name in ("on_hand_separate_value", "on_hand_network_value")
    )
    trees = f"{int((tree.source < 0).sum()):,}"
    return SIZED.finding(
        service.height, keys_of(service, KEY), trees=trees, separate=separate, network=network
    )
