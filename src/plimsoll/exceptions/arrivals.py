"""Suppliers and lanes that deliver less than they used to: stopped, or slower."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from plimsoll import supply
from plimsoll.domain.tables import table
from plimsoll.exceptions.chance import dispersion, few, least_chance, tellable
from plimsoll.exceptions.params import ExceptionParams
from plimsoll.maths.ragged import Floats
from plimsoll.supply.deliveries import LINE, order_lines
from plimsoll.supply.observations import LANE, NODE
from plimsoll.supply.waiting import Waiting, waiting_laws

MOST_HAZARD = 3.0  # an order waited for beyond 95 % of lead times tells no more: it may be forgotten
TAIL_SHAPE = 0.1  # of lead times beyond the last seen; hardly matters below MOST_HAZARD
PARTS = (1 / 3, 2 / 3, 1.0)  # of the window: each is looked at, for what changed lately or long ago
LEAST_EXPECTED = 3.0  # orders expected below which a lane says nothing of its own
ALIKE = 0.05  # chance of so few from which the rest of a supplier delivers as before
FACTORS = np.concatenate([np.linspace(1.05, 3.0, 40), np.linspace(3.2, 8.0, 25)])

FOUND = {
    "cause": pl.String(),
    "from_location_id": pl.String(),
    "to_location_id": pl.String(),
    "expected": pl.Float64(),
    "came": pl.Float64(),
    "p_value": pl.Float64(),
    "odds": pl.Float64(),
    "since": pl.Date(),
    "factor": pl.Float64(),
    "believed": pl.Float64(),
}


def late_sources(
    facts: dict[str, pl.DataFrame],
    lead_times: pl.DataFrame,
    params: ExceptionParams,
    supply_params: supply.SupplyParams,
    *,
    as_of: date,
) -> pl.DataFrame:
    """Return the suppliers, or single lanes of theirs, whose orders come later than the past explains.

        expected = sum over orders under way in the window of  H(age at its end) - H(age at its start)
        H = -log S,   S the survival of the lane's lead times as estimated before the window

    H accumulates the chance, day by day, that an order still under way arrives. Whatever the mix of old and
    young orders, what comes less what is expected is a martingale (Aalen 1978; the one-sample log-rank
    test of Breslow 1975), so the number that comes is judged as a Poisson count, widened by the scatter
    of ordinary suppliers from week to week, and by 1 + expected / (orders received before), since the law
    is itself estimated from these. Windows of a third, two thirds and the whole of `window_days`
    are looked at for every supplier and lane; `false_alarm` is shared equally among all these tests that
    could tell anything (`chance.tellable`).

    A supplier with one late lane while the rest delivers as before is told as that lane. What delivers
    nothing at all in a window has stopped; else `factor` tells how many times as long orders take now: the
    factor c with which expected(lead times times c) is what came. `believed` is how many times as long the
    plan's own lead times are as those before the window: what it has learnt of the change by itself.

    Parameters
    ----------
    facts : receipts and open_orders as known on the day
    lead_times : table `lead_time_estimate` of the plan, for the lanes and their typed values
    params, supply_params : options
    as_of : day of knowledge; what happened later is not read

    Returns
    -------
    pl.DataFrame
        Columns of `FOUND`, one row a cause; to_location_id is null where it is the supplier as a whole.

    Edge cases: no receipts before the window: nothing is said. An order with many lines counts once.
    """
    start = as_of - timedelta(days=params.window_days)
    orders = _orders(facts, supply_params, start=start, as_of=as_of)
    if orders.is_empty() or lead_times.is_empty():
        return pl.DataFrame(schema=FOUND)
    timed = orders.join(_laws_before(facts, lead_times, orders, supply_params, start), on=NODE, how="inner")
    if timed.is_empty():
        return pl.DataFrame(schema=FOUND)
    timed = timed.sort("order_id", "line", *NODE)
    law = waiting_laws(
        timed["atom_days"],
        timed["atom_probability"],
        shape=TAIL_SHAPE,
        least_share=supply_params.tail_min_share,
    )
    watch = timed.select("weight", *LANE, "ordered_date", "received_date", "age", "lead_days")
    wide = _scatter(watch, law, params, as_of)
    before = _received_before(facts, supply_params, start)
    tests = pl.concat(
        _tested(watch, law, before, key, round(params.window_days * part), wide, as_of)
        for key in (["from_location_id"], list(LANE))
        for part in PARTS
    )
    found = _causes(tests, wide, watch, law, params, as_of)
    return _with_belief(found, timed, lead_times)


def _orders(
    facts: dict[str, pl.DataFrame], params: supply.SupplyParams, *, start: date, as_of: date
) -> pl.DataFrame:
    """Return the orders under way at some time since `start`: those received since, and those open.

    `age`: days from order to the end of its watch; `lead_days` is null for an order still open; `weight`
    one by the lines of its order.
    """
    came = order_lines(facts["receipts"], params, as_of=as_of)
    received = came.filter(pl.col("received_date") > start, pl.col("lead_days").is_not_null())
    columns = ["order_id", "line", *NODE, "ordered_date"]
    still = (
        facts["open_orders"]
        .filter(pl.col("ordered_date") <= as_of, pl.col("from_location_id").is_not_null())
        .join(came, on=LINE, how="anti", nulls_equal=True)
        .select(*columns, received_date=pl.lit(None, dtype=pl.Date), lead_days=pl.lit(None, dtype=pl.Float64))
    )
    both = pl.concat([received.select(*columns, "received_date", "lead_days"), still])
    age = pl.coalesce("lead_days", (pl.lit(as_of) - pl.col("ordered_date")).dt.total_days().cast(pl.Float64))
    same = ["order_id", *LANE, "ordered_date", "received_date"]
    return both.with_columns(age=age, weight=1.0 / pl.len().over(same))


def _laws_before(
    facts: dict[str, pl.DataFrame],
    lead_times: pl.DataFrame,
    orders: pl.DataFrame,
    params: supply.SupplyParams,
    start: date,
) -> pl.DataFrame:
    """Return the lead times of the lanes as they would have been estimated on the day the window begins."""
    wanted = lead_times.select(*NODE, "lead_time_days_set").join(orders, on=NODE, how="semi")
    lanes = table("lanes").conform(wanted)
    under_way = orders.filter(pl.col("ordered_date") <= start)
    columns = [name for name in table("open_orders").names if name in under_way.columns]
    then = table("open_orders").conform(
        under_way.select(columns).with_columns(quantity=pl.lit(1.0)).unique(LINE, keep="first")
    )
    known = facts["receipts"].filter(pl.col("received_date") <= start)
    if known.is_empty():
        return table("lead_time_estimate").empty().select(*NODE, "atom_days", "atom_probability")
    found = supply.estimate(known, lanes, params, as_of=start, open_orders=then)
    return found.filter(pl.col("atom_days").list.len() > 0).select(*NODE, "atom_days", "atom_probability")


def _hazard(law: Waiting, days: Floats) -> Floats:
    """Return the accumulated hazard at an age, at most `MOST_HAZARD`."""
    survival = law.survival(np.maximum(days, 0.0))
    return np.asarray(np.minimum(-np.log(np.maximum(survival, 1e-12)), MOST_HAZARD))


def _counted(
    watch: pl.DataFrame, law: Waiting, first: int, last: int, as_of: date, factor: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Return expected, counted and all arrivals of each order from `first` days ago (not included) to `last`.

    An order is no longer counted once it has been waited for beyond `MOST_HAZARD`, neither as expected nor
    when it comes. With a `factor`, lead times are that many times as long.
    """
    placed = (pl.lit(as_of) - pl.col("ordered_date")).dt.total_days().cast(pl.Float64)
    since = watch.select(placed).to_series().to_numpy()
    end = np.minimum(watch["age"].to_numpy(), since - last)
    begin = np.minimum(np.maximum(since - first, 0.0), end)
    until = _hazard(law, np.maximum(end, 0.0) / factor)
    weight = watch["weight"].to_numpy()
    expected = weight * np.maximum(until - _hazard(law, np.maximum(begin, 0.0) / factor), 0.0)
    ago = (pl.lit(as_of) - pl.col("received_date")).dt.total_days()
    inside = watch.select((ago < first) & (ago >= last)).to_series().fill_null(value=False).to_numpy()
    return expected, weight * (inside & (until < MOST_HAZARD)), weight * inside


def _scatter(watch: pl.DataFrame, law: Waiting, params: ExceptionParams, as_of: date) -> float:
    """Return how much wider than Poisson's the arrivals of suppliers scatter from week to week."""
    came, expected, group = [], [], []
    for ago in range(7, params.window_days + 1, 7):
        each, arrived, _ = _counted(watch, law, ago, ago - 7, as_of)
        week = pl.DataFrame({"group": watch["from_location_id"], "m": each, "n": arrived}).group_by("group")
        sums = week.agg(pl.col("m", "n").sort().sum()).sort("group")
        came.append(sums["n"].to_numpy())
        expected.append(sums["m"].to_numpy())
        group.append(sums["group"])
    return dispersion(np.concatenate(came), np.concatenate(expected), pl.concat(group))


def _received_before(
    facts: dict[str, pl.DataFrame], params: supply.SupplyParams, start: date
) -> pl.DataFrame:
    """Return how many orders each lane had received when the window began: what its law rests on."""
    lines = order_lines(facts["receipts"], params, as_of=start).filter(pl.col("lead_days").is_not_null())
    orders = lines.select("order_id", *LANE, "ordered_date", "received_date").unique()
    return orders.group_by(LANE).agg(known=pl.len().cast(pl.Float64))


def _tested(
    watch: pl.DataFrame,
    law: Waiting,
    before: pl.DataFrame,
    key: list[str],
    days: int,
    wide: float,
    as_of: date,
) -> pl.DataFrame:
    """Return expected and actual arrivals of the groups in a window, and the chance of so few."""
    expected, came, arrived = _counted(watch, law, days, 0, as_of)
    sums = (
        watch.select(
            *LANE,
            expected=pl.Series(expected),
            came=pl.Series(came),
            arrived=pl.Series(arrived),
            received="received_date",
        )
        .group_by(key)
        .agg(pl.col("expected", "came", "arrived").sort().sum(), last=pl.col("received").max())
        .sort(key)
    )
    known = before.group_by(key).agg(pl.col("known").sum())
    sums = sums.join(known, on=key, how="left", maintain_order="left")
    spread = wide * (1.0 + pl.col("expected") / pl.col("known").fill_null(0.0).clip(1.0))
    sums = sums.with_columns(spread=spread)
    expected_sum, wider = sums["expected"].to_numpy(), sums["spread"].to_numpy()
    chance = few(sums["came"].to_numpy(), expected_sum, wider)
    if "to_location_id" not in sums.columns:
        sums = sums.with_columns(to_location_id=pl.lit(None, dtype=pl.String))
    return sums.select(
        *LANE,
        "expected",
        "came",
        "arrived",
        "last",
        p_value=pl.Series(chance),
        least=pl.Series(least_chance(expected_sum, wider)),
        days=pl.lit(days, dtype=pl.Int64),
    )


def _causes(
    tests: pl.DataFrame, wide: float, watch: pl.DataFrame, law: Waiting, params: ExceptionParams, as_of: date
) -> pl.DataFrame:
    """Return the significant deficits, each told once: of the lane where the rest of the supplier is well."""
    n_tests = tellable(tests["least"].to_numpy(), params.false_alarm)
    late = tests.filter(
        pl.col("p_value") < params.false_alarm / n_tests,
        pl.col("came") < params.slow_share * pl.col("expected"),
    ).with_columns(odds=1.0 / (pl.col("p_value") * n_tests).clip(1e-6))
    # That nothing came at all says more than that little came in a longer time.
    best = late.sort(pl.col("arrived") > 0, "p_value", "days", *LANE, nulls_last=True).unique(
        LANE, keep="first", maintain_order=True
    )
    lanes = best.filter(pl.col("to_location_id").is_not_null())
    whole = best.filter(pl.col("to_location_id").is_null())
    rest = _rest(lanes, tests, wide)
    single = lanes.join(rest.filter("is_well"), on=LANE, how="semi")
    # A supplier is late as a whole where what is left without its late single lanes is late too.
    whole = whole.join(single, on="from_location_id", how="anti")
    other = lanes.join(whole, on="from_location_id", how="anti")
    found = pl.concat([whole, other]).sort(LANE, nulls_last=False)
    # The clearest of several windows flatters the change: its size is that of the longest that shows it.
    longest = late.group_by(LANE).agg(
        window=pl.col("days").max(), late_came=pl.col("came").sort_by("days").last()
    )
    found = found.join(longest, on=LANE, how="left", nulls_equal=True, maintain_order="left")
    factors = [_factor(row, watch, law, as_of) for row in found.iter_rows(named=True)]
    stopped = pl.col("arrived") == 0
    kind = pl.when(pl.col("to_location_id").is_null()).then(pl.lit("supplier")).otherwise(pl.lit("lane"))
    began = pl.lit(as_of) - pl.duration(days=pl.col("days"))
    return found.with_columns(
        cause=pl.concat_str(kind, pl.when(stopped).then(pl.lit("_stopped")).otherwise(pl.lit("_slow"))),
        since=pl.when(stopped).then(pl.coalesce("last", began)).otherwise(began).cast(pl.Date),
        factor=pl.Series(factors, dtype=pl.Float64),
    )


def _with_belief(found: pl.DataFrame, timed: pl.DataFrame, lead_times: pl.DataFrame) -> pl.DataFrame:
    """Return the causes with the plan's lead times by those before the window, over the lanes concerned."""
    before = timed.select(*NODE, "atom_days", "atom_probability").unique(NODE).with_row_index("row")
    means = (
        before.explode("atom_days", "atom_probability")
        .group_by("row")
        .agg(before=(pl.col("atom_days") * pl.col("atom_probability")).sort().sum())
    )
    both = (
        before.join(means, on="row")
        .join(lead_times.select(*NODE, "mean_days_est"), on=NODE)
        .select(*LANE, "before", now="mean_days_est")
    )
    ratio = (pl.col("now").sort().sum() / pl.col("before").sort().sum()).alias("believed")
    told = pl.concat(
        [
            found.filter(pl.col("to_location_id").is_null()).join(
                both.group_by("from_location_id").agg(ratio), on="from_location_id", how="left"
            ),
            found.filter(pl.col("to_location_id").is_not_null()).join(
                both.group_by(LANE).agg(ratio), on=LANE, how="left"
            ),
        ]
    )
    told = told.with_columns(pl.col("believed").fill_null(1.0).fill_nan(1.0)).sort(LANE)
    return told.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items())


def _rest(lanes: pl.DataFrame, tests: pl.DataFrame, wide: float) -> pl.DataFrame:
    """Return the late lanes with whether the rest of their supplier delivers as before in that window."""
    of_supplier = tests.filter(pl.col("to_location_id").is_null()).select(
        "from_location_id", "days", all_expected="expected", all_came="came"
    )
    late = lanes.group_by("from_location_id", "days").agg(
        late_expected=pl.col("expected").sort().sum(), late_came=pl.col("came").sort().sum()
    )
    rest = lanes.join(of_supplier, on=["from_location_id", "days"]).join(
        late, on=["from_location_id", "days"]
    )
    rest = rest.with_columns(
        expected=pl.col("all_expected") - pl.col("late_expected"),
        came=pl.col("all_came") - pl.col("late_came"),
    )
    chance = few(rest["came"].to_numpy(), rest["expected"].to_numpy(), wide)
    enough = pl.col("expected") >= LEAST_EXPECTED
    return rest.select(*LANE, is_well=enough & (pl.Series(chance) > ALIKE))


def _factor(row: dict[str, object], watch: pl.DataFrame, law: Waiting, as_of: date) -> float:
    """Return how many times as long orders of a late source take: expected with it is what came."""
    mine = watch["from_location_id"] == row["from_location_id"]
    if row["to_location_id"] is not None:
        mine &= watch["to_location_id"] == row["to_location_id"]
    rows = mine.arg_true().to_numpy()
    own = Waiting(law.edges[rows], law.above[rows], law.excess[rows], law.shape)
    part = watch[rows]
    sums = [_counted(part, own, int(str(row["window"])), 0, as_of, factor)[0].sum() for factor in FACTORS]
    return float(FACTORS[int(np.argmin(np.abs(np.array(sums) - float(str(row["late_came"])))))])
