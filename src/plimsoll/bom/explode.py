"""Explosion: independent demand of parents by period into the demand for their components."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from plimsoll.bom.params import BomParams
from plimsoll.bom.structure import KEY, WEEK, Structure, structure
from plimsoll.domain.findings import Finding
from plimsoll.domain.tables import table
from plimsoll.maths.kernels.bom import pass_down, pooled_variance, work_of
from plimsoll.maths.kernels.threads import in_chunks
from plimsoll.maths.ragged import Floats, Ints

PARTS = 16
MOMENTS = ("mean_qty", "variance_qty", "common_variance_qty")
HEAVY = "too_many_coefficients"


@dataclass(frozen=True, slots=True)
class Exploded:
    """Demand for components (`dependent_demand`) and what was found.

    Per row of `demand`, units squared: `common`, the variance that all periods share, and `long_run`,
    what the rest of the variance comes to per period of a long interval.
    """

    demand: pl.DataFrame
    common: Floats
    long_run: Floats
    findings: list[Finding]


def explode(
    independent: pl.DataFrame,
    points: pl.DataFrame,
    bom: pl.DataFrame,
    lead_times: pl.DataFrame,
    params: BomParams,
    *,
    as_of: date,
    estimated: pl.DataFrame | None = None,
) -> Exploded:
    """Return what the making of parents takes of every component, by week.

        need(j, t) = sum over i, s of c_ij(t, s) D(i, s)
        Var need   = sum over i of [ sum over s of c_ij(t, s)^2 v(i, s) + (sum over s of c_ij(t, s))^2 w(i) ]

    c_ij adds up the paths from item i to component j: quantity / (1 - scrap) along each, in force by date,
    each level one production lead time earlier. So a component reached on several paths from the same
    item is counted as the one demand it is, and different items pool (Orlicky 1975 for the explosion;
    the variance is that of a linear form). Demand of parents is taken lot for lot: that lots bundle
    it is not in the variance.

    Parameters
    ----------
    independent : item_id, location_id, period (0 for the week that begins on the day after `as_of`),
        mean_qty, variance_qty (of one period), common_variance_qty (variance of one period's mean, the
        same error in all periods). After the last period of an item its last figures go on; a
        period left out before that is 0. Only rows of places where the item is made start anything.
    points, bom, lead_times : tables `planning_point`, `bom`, `lead_time_estimate`
    params : options
    as_of : day of knowledge
    estimated : item_id, location_id of components that are not exploded, since what production takes of
        them is recorded and estimated as demand

    Returns
    -------
    Exploded
        Needs due before the first week belong to orders already given, and are left out. Components
        without any need have no rows.
    """
    none = points.select(KEY).clear()
    graph = structure(
        points, bom, lead_times, none if estimated is None else estimated, as_of=as_of, weeks=params.weeks
    )
    if not graph.nodes.height:
        return Exploded(table("dependent_demand").empty(), np.zeros(0), np.zeros(0), graph.findings)
    own = _by_node(independent, graph)
    lines = (graph.bounds, graph.child, graph.factor, graph.shift, graph.profile_of, graph.profile)
    mean = pass_down(*lines, own[0])[:, : params.weeks]
    work = work_of(graph.made, graph.bounds, graph.child, graph.shift, graph.profile_of, params.weeks)
    heavy = work.sum() > params.coefficients_most
    if heavy:
        share = np.append(graph.profile[:, : params.weeks].mean(axis=1), 1.0)[graph.profile_of]
        lines = (
            *lines[:2],
            graph.factor * share,
            graph.shift,
            np.full_like(graph.profile_of, -1),
            graph.profile,
        )
    variances = _variances(graph.made, lines, own[1], own[2][:, 0], mean.shape)
    if heavy:
        averaged = pass_down(*lines, own[0])[:, : params.weeks]
        variances *= np.divide(mean, averaged, out=np.zeros_like(mean), where=averaged > 0) ** 2
    return _framed(graph, mean, variances, own[0], params.parents_named, heavy=bool(heavy))


def _by_node(independent: pl.DataFrame, graph: Structure) -> tuple[Floats, Floats, Floats]:
    """Return the moments of independent demand (nodes, all periods), the last known ones going on."""
    numbers = graph.nodes.with_row_index("node").with_columns(pl.col("node").cast(pl.Int64))
    made = numbers.filter(pl.col("node").is_in(pl.Series(graph.made).implode()))
    known = independent.filter(pl.col("period") < graph.profile.shape[1]).join(made, on=KEY)
    node, period = known["node"].to_numpy(), known["period"].to_numpy()
    n, width = graph.nodes.height, graph.profile.shape[1]
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, node, period)
    column = np.minimum(np.arange(width), last[:, None])
    moments = []
    for name in MOMENTS:
        grid = np.zeros((n, width))
        grid[node, period] = known[name].to_numpy()
        moments.append(np.take_along_axis(grid, column, axis=1))
    return moments[0], moments[1], moments[2]


def _variances(
    sources: Ints,
    lines: tuple[Ints, Ints, Floats, Ints, Ints, Floats],
    variance: Floats,
    common: Floats,
    shape: tuple[int, ...],
) -> Floats:
    """Return the pooled variances in a fixed number of parts, added in their order for equal bits."""

    def work(lo: int, hi: int) -> Floats:
        out = np.zeros((3, *shape))
        rows = sources[lo:hi]
        pooled_variance(rows, *lines, variance[rows], common[rows], out)
        return out

    total = np.zeros((3, *shape))
    for part in in_chunks(work, 0, len(sources), max(-(-len(sources) // PARTS), 1)):
        total += part
    return total


def _framed(
    graph: Structure, mean: Floats, variances: Floats, own: Floats, named: int, *, heavy: bool
) -> Exploded:
    keys = graph.nodes.with_row_index("node").filter(pl.Series(mean.any(axis=1))).sort(KEY)
    node, weeks = keys["node"].to_numpy(), graph.weeks
    within, common, long_run = (part[node].ravel() for part in variances)
    day = np.datetime64(graph.first_day) + np.tile(WEEK * np.arange(weeks), len(node)).astype("m8[D]")
    frame = (
        keys.join(_parents(graph, mean, own, named), on=KEY, how="left", maintain_order="left")
        .drop("node")[np.repeat(np.arange(len(node)), weeks)]
        .with_columns(
            start=pl.Series(day),
            period_days=pl.lit(float(WEEK)),
            mean_qty=pl.Series(mean[node].ravel()),
            sd_qty=pl.Series(np.sqrt(within + common)),
            method_used=pl.lit("averaged" if heavy else "exact"),
            fallback_reason=pl.lit(HEAVY if heavy else None, dtype=pl.String),
        )
    )
    # In the order of the key already, so the arrays beside it stay beside it.
    return Exploded(table("dependent_demand").conform(frame), common, long_run, graph.findings)


def _parents(graph: Structure, mean: Floats, own: Floats, named: int) -> pl.DataFrame:
    """Return the parents that ask for most of each component, as text."""
    parent = np.repeat(np.arange(graph.nodes.height), np.diff(graph.bounds))
    total = (own[:, : graph.weeks] + mean).mean(axis=1)
    in_force = np.append(graph.profile[:, : graph.weeks].mean(axis=1), 1.0)[graph.profile_of]
    pairs = pl.DataFrame(
        {"child": graph.child, "parent": graph.nodes["item_id"].gather(parent), "of": parent,
         "asked": graph.factor * in_force * total[parent]}
    )  # fmt: skip
    shares = (
        pairs.group_by("child", "parent", maintain_order=True)
        .agg(pl.col("asked").sum())
        .filter(pl.col("asked") > 0)
        .with_columns(share=pl.col("asked") / pl.col("asked").sum().over("child"))
        .sort("child", "share", "parent", descending=[False, True, False])
    )
    text = shares.group_by("child", maintain_order=True).agg(
        pl.format("{}:{}", "parent", pl.col("share").round(3)).head(named).str.join(";").alias("parents")
    )
    return graph.nodes[text["child"].to_numpy()].with_columns(text["parents"])
