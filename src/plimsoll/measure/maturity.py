"""How mature planning is, by what the data show: six dimensions from 0 to 4 and the next three steps."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from plimsoll.domain.tables import table
from plimsoll.measure.health import KEY

CUTS = (0.3, 0.5, 0.7, 0.9)  # shares from which the level is 1, 2, 3 and 4
NEAR = 0.25  # a setting within a quarter of what the data say agrees with them
STEPS = 3
Tables = Mapping[str, pl.DataFrame]
# what is measured -> the command that measures it, in the order it is proposed
PROOFS = {
    "promises checked": "accuracy",
    "key figures drawn": "kpi",
    "rules replayed": "replay",
    "decisions of people logged": "approve",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One dimension: the share that its level rests on (None: nothing tells), what it means, its money."""

    share: float | None
    evidence: str
    money: float
    command: str


def level(share: float | None) -> int:
    """Return how many of the cuts a share passes; 0 where nothing tells.

    Examples
    --------
    >>> level(0.29), level(0.5), level(1.0), level(None)
    (0, 2, 4, 0)
    """
    return 0 if share is None else sum(share >= cut for cut in CUTS)


def maturity(plan: Tables, done: Mapping[str, bool]) -> pl.DataFrame:
    """Return table `maturity`: the six dimensions, and which three to take on next.

    Share, and money, of each::

        data         demand value at points that the audit lets plan automatically; stock at the others
        demand       demand value whose method was chosen on held-out past; stock at the others
        supply       points whose typed lead time is within a quarter of the one measured on receipts of
                     item or lane; buffer for lead time at the others
        policy       points held whose present reorder point is within a quarter of the plan's; stranded
                     and short at the others
        execution    open orders, by value, that are not past their due date; those that are
        measurement  those of `PROOFS` that exist, of four; expected shortage today

    A next step is one of the three largest of money times missing levels.

    Parameters
    ----------
    plan : planning_point, inventory_health, target, policy, demand_estimate, lead_time_estimate, readiness
        and arrival_risk
    done : for each of `PROOFS` whether it exists
    """
    health = plan["inventory_health"]
    wide = (
        plan["planning_point"]
        .join(health.select(*KEY, "on_hand_value", "cash_to_release", "short_value"), on=KEY)
        .join(plan["target"].select(*KEY, "annual_value"), on=KEY)
        .join(
            plan["policy"].select(*KEY, "policy", "reorder_point_qty", "buffer_lead_time_qty"),
            on=KEY,
            how="left",
        )
        .sort(KEY)
    )
    judged = {
        "data": _data(wide, plan["readiness"]),
        "demand": _demand(wide, plan["demand_estimate"]),
        "supply": _supply(wide, plan["lead_time_estimate"]),
        "policy": _policy(wide),
        "execution": _execution(plan["arrival_risk"]),
        "measurement": _measurement(done, float(health["exposure_value"].sum())),
    }
    rows = pl.DataFrame(
        [
            (name, level(one.share), one.share, one.evidence, one.money, one.command)
            for name, one in judged.items()
        ],
        schema={
            "dimension": pl.String,
            "level": pl.Int64,
            "share": pl.Float64,
            "evidence": pl.String,
            "money": pl.Float64,
            "command": pl.String,
        },
        orient="row",
    )
    weight = pl.col("money") * (4 - pl.col("level"))
    steps = (
        rows.filter(weight > 0)
        .sort(weight, "dimension", descending=[True, False])
        .head(STEPS)
        .with_row_index("step", 1)
        .select("dimension", pl.col("step").cast(pl.Int64))
    )
    return table("maturity").conform(rows.join(steps, on="dimension", how="left"))


def _share(frame: pl.DataFrame, good: pl.Expr, weight: str = "") -> float | None:
    """Return the share of rows, or of their weight, that are good; None without any."""
    by = pl.col(weight) if weight else pl.lit(1.0)
    weighed = frame.select(good=good, by=by)
    whole = float(weighed["by"].sum())
    return float(weighed.filter("good")["by"].sum()) / whole if whole > 0 else None


def _percent(share: float | None) -> str:
    return "nothing" if share is None else f"{100 * share:.0f} %"


def _data(wide: pl.DataFrame, readiness: pl.DataFrame) -> Judged:
    known = wide.join(readiness.select(*KEY, "verdict"), on=KEY, how="left")
    good = pl.col("verdict") == "automatic"
    share = _share(known, good.fill_null(value=False), "annual_value") if readiness.height else None
    rest = float(known.filter(~good.fill_null(value=False))["on_hand_value"].sum())
    said = f"{_percent(share)} of the demand value may be planned automatically by the audit."
    return Judged(share, said, rest, "audit")


def _demand(wide: pl.DataFrame, demand_estimate: pl.DataFrame) -> Judged:
    chosen = (pl.col("n_origins") > 0) & pl.col("fallback_reason").is_null()
    known = wide.join(demand_estimate.select(*KEY, chosen=chosen), on=KEY, how="left").with_columns(
        pl.col("chosen").fill_null(value=False)
    )
    share = _share(known, pl.col("chosen"), "annual_value")
    said = f"{_percent(share)} of the demand value has a forecast that was tried on past it had not seen."
    return Judged(share, said, float(known.filter(~pl.col("chosen"))["on_hand_value"].sum()), "accuracy")


def _supply(wide: pl.DataFrame, lead_times: pl.DataFrame) -> Judged:
    measured = lead_times.select(
        "item_id",
        "from_location_id",
        location_id="to_location_id",
        days="mean_days_est",
        is_measured=pl.col("method_used").is_in(["item", "lane"]),
    )
    apart = (pl.col("lead_time_days_set") - pl.col("days")).abs()
    known = wide.join(measured, on=[*KEY, "from_location_id"], how="left").with_columns(
        pl.col("is_measured").fill_null(value=False),
        agrees=(pl.col("is_measured") & (apart <= NEAR * pl.col("days"))).fill_null(value=False),
    )
    share, seen = _share(known, pl.col("agrees")), _share(known, pl.col("is_measured"))
    at_cost = (pl.col("buffer_lead_time_qty") * pl.col("unit_cost_eff")).clip(0.0)
    money = float(known.filter(~pl.col("agrees")).select(at_cost.sum()).item())
    said = (
        f"{_percent(share)} of points have a typed lead time within a quarter of what receipts show; of "
        f"{_percent(seen)} receipts tell."
    )
    return Judged(share, said, money, "supply")


def _policy(wide: pl.DataFrame) -> Judged:
    held = wide.filter(pl.col("policy") != "none")
    now, best = pl.col("current_min"), pl.col("reorder_point_qty")
    good = ((now - best).abs() <= NEAR * best.abs()).fill_null(value=False)
    share, typed = _share(held, good), _share(held, now.is_not_null())
    at_stake = pl.col("cash_to_release") + pl.col("short_value")
    money = float(held.filter(~good).select(at_stake.sum()).item())
    said = (
        f"{_percent(typed)} of points held have a reorder point; {_percent(share)} one within a quarter of "
        "what demand and lead time ask for."
    )
    return Judged(share, said, money, "capital")


def _execution(arrival_risk: pl.DataFrame) -> Judged:
    late = pl.col("overdue_days") > 0
    valued = arrival_risk.filter(pl.col("order_value").is_not_null())
    share = _share(valued, ~late, "order_value") if valued.height else None
    said = f"{_percent(share)} of what is on order, by value, is not past its due date."
    return Judged(share, said, float(valued.filter(late)["order_value"].sum()), "exceptions")


def _measurement(done: Mapping[str, bool], exposure: float) -> Judged:
    there = [name for name in PROOFS if done[name]]
    missing = [name for name in PROOFS if not done[name]]
    share = len(there) / len(PROOFS)
    said = "There are: " + (", ".join(there) or "none") + ". Missing: " + (", ".join(missing) or "none") + "."
    return Judged(share, said, exposure, PROOFS[missing[0]] if missing else "kpi")
