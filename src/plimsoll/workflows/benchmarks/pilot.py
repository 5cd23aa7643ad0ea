"""Pilots simulated day by day with scripted planners: how often the verdict is right."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import pilot
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.kernels import replay as kernel
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.pilot.week import KEY
from plimsoll.workflows.benchmarks.pilot_company import (
    PilotCompany,
    company,
    drawn_demand,
    drawn_leads,
)
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine

Flags = NDArray[np.bool_]
N_ITEMS, COMPANIES = 1500, 5
FRESH = 1000  # the options of a pilot were chosen while looking at companies and draws of lower seeds
HISTORY = 65  # weeks before the pilot: a year, and the baseline a year ago
REVIEW = 7
WRONG, FACTORS = 0.05, (0.3, 3.0)  # share of recommendations that are plainly wrong, and by how much
NOTHING, EFFECT, STUBBORN = "no effect", "effect", "effect, nobody follows"
# Share of the fence in the hands of the stubborn planner; the wise one has the rest.
SHARES = {EFFECT: 0.3, NOTHING: 0.3, STUBBORN: 1.0}
SEEDS = {EFFECT: 100, NOTHING: 100, STUBBORN: 25}
RIGHT = {EFFECT: ("go",), NOTHING: ("extend", "stop"), STUBBORN: ("extend", "stop")}
NOTES = (
    f"{COMPANIES} demo companies of {N_ITEMS:,} items in turn; each seed draws demand, lead times, the coin "
    f"of the fence and the planners anew. {HISTORY} weeks before the pilot and its 13 weeks are run day by "
    "day by the kernel of the replay, each place by itself; demand and lead times follow the truth behind "
    "the company.",
    "Planners used to hold 3 to 10 weeks of demand above a sensible reorder point, 12 to 40 weeks where the "
    "company is heavy, and a third of the sensible level where it is short. The plan is made once, from the "
    "company's files as known on the day before the pilot; its levels are not revised.",
    "A wise planner has 7 of 10 items of the fence: accepts what is recommended and puts right the 5 % that "
    "are plainly wrong (a third or three times the level). A stubborn one has the rest and goes on by the "
    "old minimum and maximum. Without an effect the recommendations are the old minimum and maximum.",
    "Right: go where there is an effect; extend or stop where there is none, or where nobody follows.",
    f"The options were chosen on other companies and draws; these have the seeds from {FRESH:,} on.",
    "An order line is a day's demand of a point here; it is perfect if the shelf served all of it at once.",
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One simulated pilot: its verdict, and what it rests on."""

    verdict: pilot.Verdict
    effects: pl.DataFrame
    overridden: float
    n_pairs: int


def trial(of: PilotCompany, kind: str, seed: int, params: pilot.PilotParams) -> Trial:
    """Run one pilot of a company from its fence to its verdict.

    Parameters
    ----------
    of : the company
    kind : of `SHARES`: whether recommendations are the plan's or those of the old rule, and who plans
    seed : of demand, lead times, the coin and the planners
    """
    rng = rng_for(seed, "pilot trial", kind, str(of.seed))
    days = 7 * (HISTORY + params.weeks)
    monday = of.as_of + timedelta(days=7 - of.as_of.weekday())
    first = monday - timedelta(weeks=HISTORY)
    begin = 7 * (HISTORY + params.audit_weeks + params.shadow_weeks)
    demand, lead = drawn_demand(of, days, rng), drawn_leads(of, rng)
    start = rng.uniform(of.old[:, 0], of.old[:, 1]).round()
    book = kernel.open_ledger(start, days, int(lead.max()), is_detailed=True)
    phase = rng.integers(0, REVIEW, len(start))
    kernel.advance(book, _rules(of, of.old, phase), demand, lead, 0, begin)
    past = _weeks(of, book, demand, first, 7 * HISTORY)
    items = pilot.item_measures(past, of.points, params, end=monday)
    proposed = pilot.propose(items, "messy_spares", params, seed=seed)
    inside = _is_inside(of, proposed.fence)
    advice = of.old if kind == NOTHING else of.plan
    said, decided, is_put_right = _planned(of, advice, inside, SHARES[kind], rng)
    kernel.advance(book, _rules(of, decided, phase), demand, lead, begin, days)
    weeks = _weeks(of, book, demand, first, days)
    sent = monday + timedelta(weeks=params.audit_weeks + params.shadow_weeks)
    decisions = _decisions(of, book, said, np.flatnonzero(inside), begin, days, phase, sent)
    decisions = _once(decisions, of.points.filter(pl.Series(is_put_right)))
    return _judged(weeks, proposed.fence, decisions, params, sent, seed)


def _judged(
    weeks: pl.DataFrame,
    fence: pl.DataFrame,
    decisions: pl.DataFrame,
    params: pilot.PilotParams,
    sent: date,
    seed: int,
) -> Trial:
    """Return the verdict at the end of a pilot."""
    weeks = weeks.join(fence.select("item_id"), on="item_id", how="semi")
    effects = pilot.all_effects(weeks, fence, params, start=sent, n_weeks=params.treated_weeks, seed=seed)
    looks = pilot.service_looks(weeks, fence, params, start=sent, n_weeks=params.treated_weeks)
    overrides = pilot.overriding(decisions, params)
    verdict = pilot.judged(effects, looks, overrides, params, n_weeks=params.treated_weeks)
    total = int(overrides["decided"].sum())
    return Trial(verdict, effects, int(overrides["overridden"].sum()) / max(total, 1), fence.height // 2)


def _rules(of: PilotCompany, levels: Floats, phase: Ints) -> Floats:
    return kernel.rules_of(
        kernel.S_S, levels[:, 0], levels[:, 1], minimum=of.minimum, multiple=of.multiple, every=REVIEW,
        phase=phase,
    )  # fmt: skip


def _is_inside(of: PilotCompany, fence: pl.DataFrame) -> Flags:
    items = fence.filter(role="fence")["item_id"]
    return of.points["item_id"].is_in(items.implode()).to_numpy()


def _planned(
    of: PilotCompany, advice: Floats, inside: Flags, stubborn: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Flags]:
    """Return the levels recommended (some plainly wrong), those planners go by, and what is put right.

    The wise planner sees what is plainly wrong and puts the right level in its place; the stubborn one
    goes on by the old minimum and maximum.
    """
    n = len(inside)
    items, at = np.unique(of.points["item_id"].to_numpy().astype(str), return_inverse=True)
    is_wise = (rng.random(len(items)) >= stubborn)[at]
    wrong = np.where(rng.random(n) < WRONG, rng.choice(FACTORS, n), 1.0)
    said = np.rint(advice * wrong[:, None])
    decided = np.where((inside & is_wise)[:, None], advice, of.old)
    return said, decided, inside & is_wise & (wrong != 1.0)


def _decisions(
    of: PilotCompany,
    book: kernel.Ledger,
    said: Floats,
    rows: Ints,
    begin: int,
    days: int,
    phase: Ints,
    sent: date,
) -> pl.DataFrame:
    """Return decisions in the fence: at each review what was recommended beside what was ordered.

    The recommendation meets the stock that the planner's own orders have led to. Nothing recommended and
    nothing ordered is no decision.
    """
    on_hand, backlog, ordered, received = (
        book.detail[part][rows].astype(np.float64)
        for part in (kernel.D_ON_HAND, kernel.D_BACKLOG, kernel.D_ORDERED, kernel.D_RECEIVED)
    )
    position = on_hand - backlog + np.cumsum(ordered - received, axis=1) - ordered
    reviewed = (np.arange(days) % REVIEW) == phase[rows][:, None]
    position, ordered, reviewed = position[:, begin:], ordered[:, begin:], reviewed[:, begin:]
    low, high = said[rows, :1], said[rows, 1:]
    multiple = of.multiple[rows][:, None]
    wanted = np.maximum(high - position, of.minimum[rows][:, None])
    asked = np.where(position <= low, np.ceil(wanted / multiple - 1e-9) * multiple, 0.0)
    at, day = np.nonzero(reviewed & ((asked > 0) | (ordered > 0)))
    same = np.abs(asked[at, day] - ordered[at, day]) < 0.5
    status = np.where(
        same,
        "accepted",
        np.where(ordered[at, day] == 0, "refused", np.where(asked[at, day] == 0, "added", "changed")),
    )
    return pl.DataFrame(
        {
            "week": [sent + timedelta(weeks=int(each)) for each in day // 7],
            **{name: of.points[name].gather(rows[at]) for name in KEY},
            "status": status,
        },
        schema={"week": pl.Date, "item_id": pl.String, "location_id": pl.String, "status": pl.String},
    ).with_columns(reason_code=pl.lit("too_much"))


def _once(decisions: pl.DataFrame, put_right: pl.DataFrame) -> pl.DataFrame:
    """Return decisions without those after the first where the wise planner has set the value right."""
    first = pl.struct(KEY).is_first_distinct()
    ordered = decisions.sort("week", maintain_order=True)
    fixed = ordered.join(put_right.select(KEY), on=KEY, how="semi", maintain_order="left").filter(first)
    return pl.concat([ordered.join(put_right.select(KEY), on=KEY, how="anti"), fixed])


def _weeks(of: PilotCompany, book: kernel.Ledger, demand: Floats, first: date, days: int) -> pl.DataFrame:
    """Return the weeks of all points up to a day, in the schema `pilot.POINT_WEEK`."""
    n, weeks = len(demand), days // 7
    cost, price = (of.points[name].to_numpy()[:, None] for name in ("unit_cost", "unit_price"))

    def by_week(daily: Floats) -> Floats:
        return np.asarray(daily[:, :days].reshape(n, weeks, 7).sum(axis=2))

    on_hand, backlog, available = (
        book.detail[part, :, :days].astype(np.float64)
        for part in (kernel.D_ON_HAND, kernel.D_BACKLOG, kernel.D_AVAILABLE)
    )
    asked = demand[:, :days]
    served = np.minimum(asked, available)
    owed = np.diff(backlog, axis=1, prepend=0.0)
    short = asked - served
    begun = (short > 1e-9) & ~np.column_stack([np.zeros(n, dtype=bool), short[:, :-1] > 1e-9])
    columns = {
        "stock_value_days": by_week(on_hand) * cost,
        "stock_days": np.full((n, weeks), 7.0),
        "asked_value": by_week(asked) * price,
        "served_value": by_week(served) * price,
        "cogs": by_week(asked - owed) * cost,
        "orders": by_week((asked > 0).astype(np.float64)),
        "perfect_orders": by_week(((asked > 0) & (short <= 1e-9)).astype(np.float64)),
        "expedite_cost": by_week(begun.astype(np.float64)) * of.points["expedite_cost"].to_numpy()[:, None],
    }
    mondays = pl.Series("period", [first + timedelta(weeks=k) for k in range(weeks)])
    keys = of.points.select(KEY).join(mondays.to_frame(), how="cross")
    return pilot.checked(
        keys.with_columns(**{name: pl.Series(each.ravel()) for name, each in columns.items()})
    )


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Simulate pilots with an effect, without one, and with planners who do not follow."""
    params = pilot.PilotParams()
    companies: list[PilotCompany] = []
    for k in range(COMPANIES):
        progress(f"Company {k + 1}", k, COMPANIES)
        companies.append(company(N_ITEMS, FRESH + k))
    rows, effects = [], []
    work = [(kind, seed) for kind, n in SEEDS.items() for seed in range(n)]
    for done, (kind, seed) in enumerate(work):
        progress(f"Pilots, {kind}", done, len(work))
        found = trial(companies[seed % COMPANIES], kind, FRESH + seed, params)
        rows.append(
            {
                "pilots": kind,
                "verdict": found.verdict.verdict,
                "overridden": found.overridden,
                "pairs": found.n_pairs,
            }
        )
        effects.append(found.effects.filter(against="baseline").with_columns(pilots=pl.lit(kind), seed=seed))
    return _outcome(pl.DataFrame(rows), pl.concat(effects))


def _outcome(trials: pl.DataFrame, effects: pl.DataFrame) -> BenchmarkOutcome:
    """Return the counts of verdicts, and the effects seen."""
    right = pl.col("pilots").replace_strict(RIGHT, return_dtype=pl.List(pl.String))
    counts = (
        trials.with_columns(is_right=pl.col("verdict").is_in(right))
        .group_by("pilots", maintain_order=True)
        .agg(
            pl.len().alias("seeds"),
            *((pl.col("verdict") == code).sum().alias(code) for code in ("go", "extend", "stop")),
            pl.col("is_right").sum().alias("right"),
            pl.col("overridden").mean().alias("overridden, mean share"),
            pl.col("pairs").mean().alias("pairs, mean"),
        )
    )
    seen = effects.group_by("pilots", "figure", maintain_order=True).agg(
        pl.col("effect").mean().alias("mean effect"),
        pl.col("effect").std().alias("spread over seeds"),
        pl.col("se").mean().alias("mean standard error"),
        ((pl.col("low_95") > 0) | (pl.col("high_95") < 0)).mean().alias("95 % interval without 0"),
        (pl.col("p_value") <= 0.05).mean().alias("swaps, p <= 0.05"),
    )
    return BenchmarkOutcome(
        "pilot",
        "Pilots of 90 days simulated day by day: how often the verdict is right",
        "plimsoll bench pilot",
        machine(),
        {"Verdicts": counts, "Effects seen": seen},
        NOTES,
    )
