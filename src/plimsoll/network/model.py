"""The network of a company: stocking points as stages, lanes and bills of material as arcs between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll.bom.structure import KEY
from plimsoll.domain.findings import Finding
from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.network import checks
from plimsoll.network.arcs import SOURCE, UNREACHABLE, arcs_of
from plimsoll.network.params import NetworkParams
from plimsoll.network.propagate import spread, totals
from plimsoll.network.structure import Arrays, circular, ends, longest_to, numbered, rounds

YEAR = timedelta(days=365)
COST_NOISE = 0.1  # a price paid differs from the standard cost of an item by some percent


@dataclass(frozen=True, slots=True)
class Network:
    """Stages and arcs of a company, and what was found.

    `stages`: table `network_stage`; `arcs`: table `network_arc`; `findings`: what is wrong and was left
    out; `correlation`: between the demands of stages, as `sd_per_day` takes it.
    """

    stages: pl.DataFrame
    arcs: pl.DataFrame
    findings: list[Finding]
    correlation: float


def build(
    points: pl.DataFrame,
    lead_times: pl.DataFrame,
    estimates: pl.DataFrame,
    tables: Mapping[str, pl.DataFrame],
    params: NetworkParams | None = None,
    *,
    as_of: date,
) -> Network:
    """Return the network that lanes and bills of material make of a company's stocking points.

    A stage is a stocking point, whose time is the lead time of its lane in force; arcs are those of
    `arcs_of`. Demand of customers at a stage is its estimate, less the share that its history passes
    on from below:

        own(i) = estimate(i) year(i) / (year(i) + what the last year asked for below, along every path)

    with the same share of the variance; `year` is what customers asked for at i in the last year. Means
    and spreads then add up along the arcs (`totals`, `spread`). What cannot be part of a network is
    named in a finding and taken out: its arcs are not in force, it is a network of its own, and what it
    draws is to its sources as customers' demand.

    Parameters
    ----------
    points : table `planning_point`; a column max_service_days, if there is one, goes before the setting
    lead_times : table `lead_time_estimate`
    estimates : table `demand_estimate`: demand at a stage with all that it feeds; a stage without is quiet
    tables : `lanes` and `bom`; with `demand`, issues of components are not taken for customers' demand.
        A missing one is empty
    params : options
    as_of : day of knowledge; bills of material count as in force on the next day
    """
    params = params or NetworkParams()
    lanes, bom = (tables.get(name, table(name).empty()) for name in ("lanes", "bom"))
    stages = _stages(points, lead_times, estimates, params)
    stages = stages.join(_year(points, tables.get("demand"), as_of), on=KEY, maintain_order="left")
    arcs = arcs_of(points, lanes, bom, lead_times, as_of=as_of)
    arcs, refused, findings = _refused(stages, arcs)
    stages = _with_refused_as_customers(stages.with_columns(refused), arcs)
    arrays = _arrays(stages, arcs)
    measured, correlation = _measured(stages, arcs, arrays, params)
    cut_off = checks.unreachable(stages, arcs, lanes)
    arcs = _marked(arcs, cut_off)
    with_demand = cut_off.join(measured.filter(_asked()).select(KEY), on=KEY, how="semi")
    findings += [
        *checks.found(checks.UNREACHABLE, with_demand.sort(KEY), [*KEY, "from_location_id"]),
        *checks.contradictions(stages, arcs, lanes),
        *checks.found(checks.ORPHAN, checks.orphans(measured, arcs)),
        *checks.found(checks.COST_FALLS, measured.filter("cost_falls").sort(KEY)),
    ]
    declared = table("network_stage")
    return Network(
        declared.conform(measured.select(declared.names)),
        table("network_arc").conform(arcs),
        findings,
        correlation,
    )


def arrays(network: Network) -> Arrays:
    """Return the arcs in force between stages as numbers, sources first, for those who compute with them.

    `row` gives the row in `network.stages`, `arc` that in `network.arcs`.
    """
    return _arrays(network.stages, network.arcs)


def _arrays(stages: pl.DataFrame, arcs: pl.DataFrame) -> Arrays:
    inner = arcs.with_row_index("at").filter("in_force", pl.col("kind") != "outside")
    up, down, at = ends(stages, inner)
    ready = numbered(stages.height, up, down, inner["quantity"].to_numpy()[at])
    rows = inner["at"].cast(pl.Int64).to_numpy()[at[ready.arc]]
    return Arrays(ready.row, ready.starts, ready.depth, ready.up, ready.down, ready.quantity, rows)


def _stages(
    points: pl.DataFrame, lead_times: pl.DataFrame, estimates: pl.DataFrame, params: NetworkParams
) -> pl.DataFrame:
    """Return what each stage says by itself, sorted by key."""
    lane = ["item_id", "to_location_id", "from_location_id"]
    times = lead_times.unique(lane, keep="first", maintain_order=True).select(
        "item_id",
        "from_location_id",
        location_id="to_location_id",
        stage_days="mean_days_est",
        sd_stage_days="sd_days_est",
        n_receipts=pl.col("n_receipts_item") + pl.col("n_receipts_lane"),
    )
    # What the protection interval leaves for demand: its variance less that of the interval's length.
    interval = pl.col("protection_days_mean")
    of_length = (pl.col("mean_per_day_est") * pl.col("protection_days_sd")) ** 2
    left = (pl.col("sd_protection_qty") ** 2 - of_length) / interval
    seen = pl.col("sd_per_period_obs") ** 2 / pl.col("period_days")
    asked = estimates.select(
        *KEY,
        "mean_per_day_est",
        sd_per_day_est=pl.when((interval > 0) & (left > 0)).then(left).otherwise(seen).sqrt(),
    )
    wait = pl.lit(params.max_service_days)
    if "max_service_days" in points.columns:
        wait = pl.col("max_service_days").fill_null(params.max_service_days)
    return (
        points.join(times, on=[*KEY, "from_location_id"], how="left")
        .join(asked, on=KEY, how="left")
        .select(
            *KEY,
            "supply_kind",
            "from_location_id",
            pl.col("planned").alias("may_hold"),
            "left_out_reason",
            pl.col("stage_days", "sd_stage_days").fill_nan(None),
            "n_receipts",
            "mean_per_day_est",
            "sd_per_day_est",
            review_days="review_days_eff",
            unit_cost="unit_cost_eff",
            max_service_days=wait,
        )
        .sort(KEY)
    )


def _year(points: pl.DataFrame, demand: pl.DataFrame | None, as_of: date) -> pl.DataFrame:
    """Return KEY and `year`, what customers asked for at each point in a year; issues are production's."""
    year = points.select(*KEY, year=pl.col("demand_last_year_qty").clip(0.0))
    if demand is None or "kind" not in demand.columns:
        return year
    issue = pl.col("kind").fill_null("sale") == "issue"
    share = (
        demand.filter(pl.col("date") > as_of - YEAR, pl.col("date") <= as_of, pl.col("quantity") > 0)
        .join(demand.filter(issue).select(KEY).unique(), on=KEY, how="semi")
        .group_by(KEY)
        .agg(issued=pl.col("quantity").filter(issue).sum() / pl.col("quantity").sum())
    )
    year = year.join(share, on=KEY, how="left", maintain_order="left")
    return year.select(*KEY, year=pl.col("year") * (1.0 - pl.col("issued").fill_null(0.0)))


def _refused(stages: pl.DataFrame, arcs: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series, list[Finding]]:
    """Return arcs with those refused out of force, why stages are out of the network, and findings."""
    inner = arcs.filter("in_force", pl.col("kind") != "outside")
    up, down, _ = ends(stages, inner)
    circle, inside, caught = circular(stages.height, up, down)
    findings = []
    if caught.any():
        # In a knot of several circles one is named; all that is in it or fed through it is taken out.
        taken = pl.concat([stages.filter(pl.Series(part)) for part in (inside, caught & ~inside)])
        walks = rounds(circle, up, down, checks.ROUNDS_NAMED)
        findings.append(checks.cycle_finding(stages, taken, walks, int(circle.max()) + 1))
    bad = checks.bad_times(stages)
    for message in (checks.TIME_UNUSABLE, checks.TIME_ZERO):
        findings += checks.found(message, stages.filter(bad == message.code))
    code = pl.when(pl.Series(caught)).then(pl.lit(checks.CYCLE.code)).otherwise(bad).alias("refused_reason")
    out = stages.select(*KEY, code)
    cyclic = out.filter(pl.col("refused_reason") == checks.CYCLE.code)
    # A circle goes first: what is refused for another reason then has an end.
    return _without(_without(arcs, cyclic), out), out["refused_reason"], findings


def _without(arcs: pl.DataFrame, stages: pl.DataFrame) -> pl.DataFrame:
    """Return the arcs with those in force that end at a refused stage put out of force, with its reason."""
    out = stages.filter(pl.col("refused_reason").is_not_null()).select(*KEY, refused="refused_reason")
    if out.is_empty():
        return arcs
    at_source = out.rename({"refused": "refused_above"})
    joined = arcs.join(out, on=KEY, how="left", maintain_order="left").join(
        at_source, left_on=SOURCE, right_on=KEY, how="left", maintain_order="left"
    )
    why = pl.coalesce("refused", "refused_above")
    stopped = pl.col("in_force") & why.is_not_null() & (pl.col("kind") != "outside")
    return joined.with_columns(
        in_force=pl.col("in_force") & ~stopped,
        reason=pl.when(stopped).then(why).otherwise("reason"),
    ).drop("refused", "refused_above")


def _with_refused_as_customers(stages: pl.DataFrame, arcs: pl.DataFrame) -> pl.DataFrame:
    """Return the stages, `year` with what refused stages draw on them, and draw for those below."""
    inner = pl.col("kind") != "outside"
    refused = arcs.filter(inner, pl.col("reason").str.starts_with("network_"))
    if refused.is_empty():
        return stages
    ending = arcs.with_columns(in_force=pl.col("in_force") | pl.col("reason").is_in(checks.TIMES))
    numbers = _arrays(stages, ending)
    total = np.empty(numbers.n)
    total[numbers.row] = totals(numbers, _filled(stages["year"])[numbers.row, None]).ravel()
    up, down, at = ends(stages, refused)
    drawn = np.bincount(up, refused["quantity"].to_numpy()[at] * total[down], numbers.n)
    return stages.with_columns(year=pl.col("year").fill_null(0.0) + pl.Series(drawn))


def _marked(arcs: pl.DataFrame, cut_off: pl.DataFrame) -> pl.DataFrame:
    """Return the arcs with the lanes of points whose source gets nothing put out of force."""
    marked = arcs.join(
        cut_off.with_columns(cut=True), on=[*KEY, "from_location_id"], how="left", maintain_order="left"
    )
    cut = pl.col("cut").is_not_null() & (pl.col("kind") == "outside")
    return marked.with_columns(
        in_force=pl.col("in_force") & ~cut,
        reason=pl.when(cut).then(pl.lit(UNREACHABLE)).otherwise("reason"),
    ).drop("cut")


def _asked() -> pl.Expr:
    """Return whether anybody asks for what a stage has."""
    return (pl.col("mean_per_day") > 0) | (pl.col("mean_per_day_est").fill_null(0.0) > 0)


def _measured(
    stages: pl.DataFrame, arcs: pl.DataFrame, arrays: Arrays, params: NetworkParams
) -> tuple[pl.DataFrame, float]:
    """Return the stages with their place in the network, demand, cost and time, and the correlation taken."""
    row, n = arrays.row, arrays.n
    ordered = stages[row]
    inputs, draws = (np.bincount(end, minlength=n) for end in (arrays.down, arrays.up))
    estimate = _filled(ordered["mean_per_day_est"])
    sd_estimate = ordered["sd_per_day_est"].cast(pl.Float64).to_numpy().astype(np.float64)
    share = _share(arrays, _filled(ordered["year"]), draws)
    own, own_sd = share * estimate, np.sqrt(share) * np.nan_to_num(sd_estimate)
    variances = spread(arrays, own_sd)
    seen = variances.correlation(sd_estimate**2)
    correlation = _correlation(seen, draws, params)
    cost = ordered["unit_cost"].to_numpy()
    bought = np.bincount(arrays.down, arrays.quantity * cost[arrays.up], n)
    added = cost - bought
    network = np.repeat(np.arange(1, len(arrays.starts)), np.diff(arrays.starts))
    measured = ordered.with_columns(
        network_id=pl.Series(network),
        depth=pl.Series(arrays.depth),
        n_upstream=pl.Series(inputs),
        n_downstream=pl.Series(draws),
        cumulative_days=_cumulative(ordered, arcs, arrays),
        added_cost=pl.Series(np.maximum(added, 0.0)),
        cost_falls=pl.Series((added < -COST_NOISE * bought) & (cost > 0)),
        own_mean_per_day=pl.Series(own),
        own_sd_per_day=pl.Series(own_sd),
        mean_per_day=pl.Series(totals(arrays, own[:, None]).ravel()),
        sd_per_day=pl.Series(variances.sd(correlation)),
        correlation_est=pl.Series(np.where(draws > 0, seen, np.nan)).fill_nan(None),
        stage_days=_usable("stage_days"),
        sd_stage_days=_usable("sd_stage_days"),
        review_days=pl.col("review_days").clip(0.0),
        max_service_days=pl.when(pl.Series(own > 0)).then("max_service_days"),
    )
    return measured, correlation


def _filled(column: pl.Series) -> Floats:
    return column.fill_null(0.0).to_numpy().astype(np.float64)


def _usable(name: str) -> pl.Expr:
    """Return a time where the stage's times can be used, else null."""
    return pl.when(pl.col("refused_reason").is_null() | (pl.col(name) >= 0)).then(name)


def _share(arrays: Arrays, year: Floats, draws: Ints) -> Floats:
    """Return the share of customers of its own in the demand of each stage; all of it where nobody draws."""
    total = totals(arrays, year[:, None]).ravel()
    share = np.divide(year, total, out=np.zeros(arrays.n), where=total > 0)
    return np.where(draws > 0, share, 1.0)


def _correlation(seen: Floats, draws: Ints, params: NetworkParams) -> float:
    """Return the correlation to take: the one set, or the median of those seen, at least 0."""
    known = seen[(draws > 0) & ~np.isnan(seen)]
    if params.correlation_from == "setting" or not len(known):
        return params.correlation
    return float(max(np.median(known), 0.0))


def _cumulative(ordered: pl.DataFrame, arcs: pl.DataFrame, arrays: Arrays) -> pl.Series:
    """Return the days of the longest way to each stage with its own; a bill's own lane counts on the way."""
    days = np.maximum(_filled(ordered["stage_days"]), 0.0)
    extra = (
        pl.when(pl.col("kind") == "bill").then(pl.col("mean_days").fill_nan(None).clip(0.0)).fill_null(0.0)
    )
    length = days[arrays.up] + arcs.select(extra).to_series().to_numpy()[arrays.arc]
    far = longest_to(arrays.n, arrays.up, arrays.down, length)
    known = ordered["stage_days"].fill_null(-1.0).to_numpy() >= 0
    return pl.Series(np.where(known, far + days, np.nan)).fill_nan(None)
