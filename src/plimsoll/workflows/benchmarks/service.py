"""Promised service of policies against a simulation of them, on freshly drawn scenarios."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl
from scipy import stats

from plimsoll import policy
from plimsoll.domain.progress import Progress
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.benchmarks.simulation import (
    MEASURES,
    PERIODS,
    REPLICATIONS,
    WARM_UP,
    Rules,
    drawn,
    simulate,
)

SEED = 20_261_121
BATCH = 12  # scenarios simulated at a time
Z = 3.0
PERIOD_DAYS = 7.0
TAIL = 1e-11  # mass left out of the distributions
# ADI and CV2 of Syntetos, Boylan & Croston 2005: probability of demand, cv2 of its size
CLASSES = {
    "smooth": ((0.80, 1.0), (0.10, 0.45)),
    "erratic": ((0.80, 1.0), (0.55, 1.50)),
    "intermittent": ((0.10, 0.70), (0.10, 0.45)),
    "lumpy": ((0.10, 0.70), (0.55, 1.50)),
}
RULES = {"base stock": "base_stock", "(s,S)": "s_S", "(s,nQ)": "s_nQ"}
LEAD_TIMES = ("constant", "random")
TARGETS = (0.90, 0.95, 0.98)
UNMET = ("backlog", "lost")
CELL = ["unmet demand", "rule", "target"]
CELLS = len(CLASSES) * len(LEAD_TIMES) * len(RULES) * len(TARGETS) * len(UNMET)
DEFAULT_PER_CELL = 16
SERVICES = ("fill_rate", "cycle_service")
TITLES = {
    "fill_rate": "Fill rate, points",
    "cycle_service": "Cycle service, points",
    "on_hand_mean": "Mean stock, % of stock",
}
UNSEEN = 1e-6  # events too rare to be simulated leave an estimated error of 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One stocking point: law of a period's demand, of the age from which orders arrive, and its rules."""

    demand: Floats
    arrival: Floats
    review: int
    row: dict[str, object]


def _trimmed(pmf: Floats) -> Floats:
    tail = np.cumsum(pmf[::-1])[::-1]
    kept = pmf[: max(int((tail > TAIL).sum()), 1)]
    return np.asarray(kept / kept.sum())


def _sum(pmf: Floats, n: int) -> Floats:
    total = np.ones(1)
    for _ in range(n):
        total = _trimmed(np.convolve(total, pmf))
    return total


def _over(pmf: Floats, lengths: Floats, extra: int) -> Floats:
    """Return the law of demand over a random number of periods, plus `extra`."""
    parts = [share * _sum(pmf, n + extra) for n, share in enumerate(lengths) if share > 0]
    out = np.zeros(max(map(len, parts)))
    for part in parts:
        out[: len(part)] += part
    return _trimmed(out)


def lead_time_of(arrival: Floats) -> Floats:
    """Return P(L = l) from P(J = j): P(L > l) = product of P(J > j) over j <= l (Kaplan 1970).

    Examples
    --------
    >>> lead_time_of(np.array([0.5, 0.5])).tolist()
    [0.5, 0.5]
    """
    return np.asarray(-np.diff(np.concatenate([[1.0], np.cumprod(np.maximum(1 - np.cumsum(arrival), 0))])))


def _demand(kind: str, rng: np.random.Generator) -> Floats:
    """Return the law of a period's demand: none, or 1 plus a negative binomial, of this class."""
    (least, most), (low, high) = CLASSES[kind]
    size, cv2 = np.exp(rng.uniform(np.log(2.0), np.log(15.0))), rng.uniform(low, high)
    more, variance = size - 1.0, max(cv2 * size**2, 1.05 * (size - 1.0))
    share = more / variance
    sizes = _trimmed(stats.nbinom.pmf(np.arange(2000), more * share / (1 - share), share))
    happens = rng.uniform(least, most)
    return np.concatenate([[1 - happens], happens * sizes])


def _arrival(kind: str, rng: np.random.Generator) -> Floats:
    """Return P(J = j): lead times of 0 to 6 periods, or random ones that spread over 2 to 5 periods."""
    first = int(rng.integers(0, 7 if kind == "constant" else 4))
    spread = 1 if kind == "constant" else int(rng.integers(2, 6))
    return np.concatenate([np.zeros(first), rng.dirichlet(np.ones(spread))])


def scenarios(per_cell: int, seed: int) -> list[Scenario]:
    """Return fresh scenarios of every class, lead time, rule, target and kind of unmet demand."""
    rng = rng_for(seed, "benchmark service")
    found = []
    cells = product(CLASSES, LEAD_TIMES, RULES, TARGETS, UNMET, range(per_cell))
    for number, (kind, lead_time, rule, target, unmet, _) in enumerate(cells):
        demand, arrival = _demand(kind, rng), _arrival(lead_time, rng)
        review = int(rng.choice([1, 1, 2, 4]))
        mean = float(demand @ np.arange(len(demand)))
        lot = max(round(mean * rng.uniform(1.0, 10.0)), 2)
        row = {
            "item_id": f"{number:05}", "location_id": "A", "class": kind, "lead time": lead_time,
            "rule": rule, "target": target, "unmet demand": unmet, "mean": mean, "review": review, "lot": lot,
            "kind": str(rng.choice(["fill", "cycle"])),
        }  # fmt: skip
        found.append(Scenario(demand, arrival, review, row))
    return found


def promises(drawn_up: list[Scenario], params: policy.PolicyParams) -> pl.DataFrame:
    """Return the scenarios with what `policy.size` decides and promises for them."""
    key = ["item_id", "location_id"]
    frame = pl.DataFrame([one.row for one in drawn_up])
    lead = [lead_time_of(one.arrival) for one in drawn_up]
    laws = {
        "pmf_review": [_sum(one.demand, one.review) for one in drawn_up],
        "pmf_lead": [_over(one.demand, law, 0) for one, law in zip(drawn_up, lead, strict=True)],
        "pmf_protection": [
            _over(one.demand, law, one.review) for one, law in zip(drawn_up, lead, strict=True)
        ],
    }
    rule, lot = pl.col("rule"), pl.col("lot").cast(pl.Float64)
    points = frame.select(
        *key,
        from_location_id=pl.lit("S"), review_days_eff=pl.col("review") * PERIOD_DAYS,
        unmet_demand_eff="unmet demand", order_cost_eff=pl.lit(0.0), holding_rate_eff=pl.lit(0.2),
        unit_cost_eff=pl.lit(1.0), shortage_cost=pl.lit(None, dtype=pl.Float64), planned=pl.lit(True),
        target_service_set=pl.col("target"), lead_time_days_set=pl.lit(None, dtype=pl.Float64),
        min_order_qty_eff=pl.when(rule == "(s,S)").then(lot).otherwise(0.0),
        order_multiple_eff=pl.when(rule == "(s,nQ)").then(lot).otherwise(0.0),
    )  # fmt: skip
    moments = [_moments(law) for law in laws["pmf_protection"]]
    estimate = frame.select(
        *key,
        **{name: pl.Series([law.tolist() for law in column]) for name, column in laws.items()},
        period_days=pl.lit(PERIOD_DAYS), step_qty=pl.lit(1.0), mean_per_day_est=pl.col("mean") / PERIOD_DAYS,
        mean_lead_qty=pl.Series([_moments(law)[0] for law in laws["pmf_lead"]]),
        mean_protection_qty=pl.Series([mean for mean, _ in moments]),
        sd_protection_qty=pl.Series([sd for _, sd in moments]),
        n_periods=pl.lit(104), n_demand_periods=pl.lit(104), sd_per_period_obs=pl.lit(0.0),
        method_used=pl.lit("nb"),
        protection_days_mean=pl.lit(0.0),
    ).with_columns(pmf_lead_constant="pmf_lead", pmf_protection_constant="pmf_protection")  # fmt: skip
    lead_times = frame.select(
        "item_id",
        to_location_id=pl.lit("A"), from_location_id=pl.lit("S"),
        atom_days=pl.Series([(PERIOD_DAYS * np.arange(len(law))).tolist() for law in lead]),
        atom_probability=pl.Series([law.tolist() for law in lead]),
    )  # fmt: skip
    target = frame.select(*key, target_kind_eff="kind", target_service_eff="target")
    sized = policy.size(points, estimate, target, params, lead_times)
    return frame.join(sized.drop("review_days"), on=key, how="left", maintain_order="left", validate="1:1")


def _moments(law: Floats) -> tuple[float, float]:
    cells = np.arange(len(law))
    mean = float(law @ cells)
    return mean, float(law @ (cells - mean) ** 2) ** 0.5


def _simulated(drawn_up: list[Scenario], promised: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return estimate and standard error of each measure of these scenarios under the levels decided."""

    def column(values: pl.Series) -> Ints:
        return values.to_numpy().astype(np.int64)[:, None]

    rules = Rules(
        level=column(promised["order_up_to_qty"] - promised["lot_qty"]),
        lot=column(promised["lot_qty"]),
        review=column(promised["review"]),
        is_multiple=(promised["policy"] == "s_nQ").to_numpy()[:, None],
        is_lost=(promised["unmet demand"] == "lost").to_numpy()[:, None],
    )
    demand = drawn([one.demand for one in drawn_up], rng)
    found = simulate(rules, demand, drawn([one.arrival for one in drawn_up], rng))
    columns = {name: pl.Series(estimate) for name, (estimate, _) in found.items()}
    return pl.DataFrame(columns | {f"{name}_error": pl.Series(error) for name, (_, error) in found.items()})


def compare(drawn_up: list[Scenario], params: policy.PolicyParams, progress: Progress) -> pl.DataFrame:
    """Return every scenario with promise, simulation, gap and standard error of each measure.

    The error of a gap is that of the simulation and of the promise together. A promise of mean stock
    that is itself simulated is taken to have the variance per period of this simulation.
    """
    promised = promises(drawn_up, params)
    rng = rng_for(SEED, "benchmark service", "draws")
    parts = []
    for first in range(0, len(drawn_up), BATCH):
        progress("Simulate", first, len(drawn_up))
        some = slice(first, first + BATCH)
        parts.append(_simulated(drawn_up[some], promised[some], rng))
    both = promised.hstack(pl.concat(parts))
    more_periods = REPLICATIONS * (PERIODS - WARM_UP) / max(params.lost_sales_periods, 1)
    on_hand_error = pl.when(pl.col("method_used") == "simulated").then(
        pl.col("on_hand_mean_error") * more_periods**0.5
    )
    both = both.with_columns(on_hand_mean_est="on_hand_mean_qty", on_hand_mean_error_est=on_hand_error)
    return both.with_columns(
        *((pl.col(f"{name}_est") - pl.col(name)).alias(f"{name}_gap") for name in MEASURES),
        *(
            (pl.col(f"{name}_error") ** 2 + pl.col(f"{name}_error_est").fill_null(0.0) ** 2)
            .sqrt()
            .alias(f"{name}_gap_error")
            for name in MEASURES
        ),
    )


def _summary(gaps: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    """Return gaps of one measure by cell: points of service, or percent of mean stock."""
    scale = 100.0 / pl.col(name) if name == "on_hand_mean" else pl.lit(100.0)
    gap, error = pl.col(f"{name}_gap"), pl.col(f"{name}_gap_error")
    figures = {
        "within error %": 100.0 * (gap.abs() <= Z * error + UNSEEN).mean(),
        "mean gap": (gap * scale).mean(),
        "worst over-promise": (gap * scale).max(),
        "worst under-promise": (gap * scale).min(),
    }
    # by way of integers, which have no -0
    rounded = {title: (100 * figure).round().cast(pl.Int64) / 100 for title, figure in figures.items()}
    return gaps.group_by(by, maintain_order=True).agg(scenarios=pl.len(), **rounded)


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Draw scenarios, size their policies, simulate these, and compare."""
    per_cell = max(options.points[0] // CELLS, 1) if options.points else DEFAULT_PER_CELL
    drawn_up, params = scenarios(per_cell, SEED), policy.PolicyParams()
    gaps = compare(drawn_up, params, progress).sort("unmet demand", "rule", "target", maintain_order=True)
    tables = {title: _summary(gaps, CELL, name) for name, title in TITLES.items()}
    for name in SERVICES:
        by_class = ["unmet demand", "class", "lead time"]
        tables[f"{TITLES[name]}, by class of demand"] = _summary(gaps, by_class, name)
    for name in SERVICES:
        tables[f"{TITLES[name]}, by method"] = _summary(gaps, ["unmet demand", "method_used"], name)
    lost = [one for one in drawn_up if one.row["unmet demand"] == "lost"]
    without = compare(lost, params.model_copy(update={"lost_sales_periods": 0}), progress)
    without = without.filter(pl.col("method_used") == "approximate").sort(
        "rule", "target", maintain_order=True
    )
    for name in SERVICES:
        tables[f"{TITLES[name]}, were lost sales approximated"] = _summary(without, ["rule", "target"], name)
    return BenchmarkOutcome(
        "service",
        "Promised service of policies against simulation of them",
        "plimsoll bench service" + (f" --points {options.points[0]}" if options.points else ""),
        machine(),
        tables,
        (
            "Gap: promised less simulated; over-promise is above 0.",
            f"Within error: |gap| <= {Z:g} standard errors of simulation and promise together; "
            f"{100 * (1 - 2 * stats.norm.sf(Z)):.2f} % of exact promises are (false alarm "
            f"{100 * 2 * stats.norm.sf(Z):.2g} % a scenario).",
            f"Simulation: {REPLICATIONS} replications of {PERIODS} weeks, the first {WARM_UP} not counted. "
            "Order of events: receive, demand, count, review, order; orders do not cross.",
            "Stock is promised for the ends of weeks; between reviews the promise is interpolated.",
            f"Scenarios are drawn with seed {SEED}: four classes of demand, constant or random lead times of "
            "0 to 7 weeks, reviews every 1, 2 or 4 weeks, lots of 1 to 10 weeks' demand; about half of the "
            "targets are fill rates, half cycle service.",
        ),
    )
