"""A family of distribution networks whose demand is known: what the plan's stages are told is the truth."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from plimsoll.domain.tables import table
from plimsoll.maths.ragged import Floats, Ints
from plimsoll.maths.rng import rng_for

# class -> (mean of a day from, to; variance over mean of a day from, to)
CLASSES = {
    "smooth": (1.0, 3.0, 1.0, 1.6),
    "erratic": (0.8, 2.5, 4.0, 8.0),
    "intermittent": (0.03, 0.15, 1.0, 1.6),
    "lumpy": (0.05, 0.25, 4.0, 8.0),
}
ADDED = 0.15  # value that each transfer adds
HOLDING, TAIL = 0.2, 1e-12
TARGETS = (0.92, 0.95, 0.98)


@dataclass(frozen=True, slots=True)
class _Tree:
    """One network: per place its source, kind, own demand of a day, lead time, order rules and cost."""

    source: Ints
    mean: Floats
    over: Floats
    lead: Floats
    spread: Floats
    cost: Floats
    lot: Floats
    order_cost: float
    review: float
    target: float
    kind: str


def family(n: int, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Return the tables of a plan for n networks, one item each, of 2 to 4 echelons.

    | drawn for each network | from |
    |---|---|
    | echelons; places fed by each place | 2, 3, 4; 2-10, 1-4 and 2-6, 1-2, 1-3 and 2-4 |
    | class of customers' demand; mean and variance of a day by place | `CLASSES` |
    | lead time from outside, between places | 14-60 days, 2-10 days; 60 % vary by a third either way |
    | cost | 5-200 at the source, 15 % more at each transfer |
    | review | 7 days (70 %), or every day |
    | lots | none (40 %), a cost per order (30 %), order multiples of 5-20 days' demand (30 %) |
    | customers at feeding places | none (65 %), at each of them as many as at a branch |
    | fill-rate target | 0.92, 0.95 or 0.98, everywhere |

    Demand of a day is negative binomial, independent between days and places; the laws handed in are
    those of its sums over the intervals, at feeding places with all that is asked below.

    Returns
    -------
    planning_point, demand_estimate, lead_time_estimate, target
    """
    parts = [_tables(f"N{k:03d}", _tree(rng_for(seed, "echelon family", str(k)))) for k in range(n)]
    names = ("planning_point", "demand_estimate", "lead_time_estimate", "target")
    return {name: table(name).conform(pl.concat([part[name] for part in parts])) for name in names}


def echelons_of(points: pl.DataFrame) -> dict[str, str]:
    """Return the echelon of each location of a family: source, middle or branch."""
    senders = set(points["from_location_id"])
    return {
        place: "source" if kind == "purchase" else "middle" if place in senders else "branch"
        for place, kind in points.select("location_id", "supply_kind").iter_rows()
    }


def _tree(rng: np.random.Generator) -> _Tree:
    echelons = int(rng.integers(2, 5))
    fans = {2: [(2, 10)], 3: [(1, 4), (2, 6)], 4: [(1, 2), (1, 3), (2, 4)]}[echelons]
    source, level, last = [-1], [0], [0]
    for at, (least, most) in enumerate(fans, start=1):
        begin = len(source)
        for place in last:
            fed = int(rng.integers(least, most + 1))
            source += [place] * fed
            level += [at] * fed
        last = list(range(begin, len(source)))
    kind = str(rng.choice(list(CLASSES)))
    low, high, even, uneven = CLASSES[kind]
    n = len(source)
    sells = (np.array(level) == echelons - 1) | (rng.random() < 0.35)
    mean = np.where(sells, rng.uniform(low, high, n), 0.0)
    total = mean.copy()
    for place in range(n - 1, 0, -1):
        total[source[place]] += total[place]
    lead = np.where(np.array(level) == 0, rng.integers(14, 61, n), rng.integers(2, 11, n)).astype(np.float64)
    spread = np.where(rng.random() < 0.6, np.maximum(np.rint(lead / 3.0), 1.0), 0.0)
    rule = rng.random()
    multiple = np.maximum(np.rint(total * rng.uniform(5.0, 20.0)), 2.0) if rule > 0.7 else np.zeros(n)
    return _Tree(
        np.array(source), mean, np.where(sells, rng.uniform(even, uneven, n), 1.0), lead, spread,
        float(rng.lognormal(3.4, 0.8)) * (1.0 + ADDED) ** np.array(level), multiple,
        float(rng.uniform(2.0, 20.0)) if 0.4 < rule <= 0.7 else 0.0,
        7.0 if rng.random() < 0.7 else 1.0, float(rng.choice(TARGETS)), kind,
    )  # fmt: skip


def _tables(item: str, tree: _Tree) -> dict[str, pl.DataFrame]:
    n = len(tree.source)
    names = [f"{item}-{at:02d}" for at in range(n)]
    keys = {"item_id": [item] * n, "location_id": names}
    sender = [names[s] if s >= 0 else "outside" for s in tree.source]
    below = _below(tree.source)
    rate = below @ tree.mean
    points = pl.DataFrame(keys).with_columns(
        from_location_id=pl.Series(sender),
        supply_kind=pl.Series(np.where(tree.source >= 0, "transfer", "purchase")),
        unit_cost_eff=pl.Series(tree.cost),
        unit_price_eff=pl.Series(2.0 * tree.cost),
        review_days_eff=pl.lit(tree.review),
        holding_rate_eff=pl.lit(HOLDING),
        unmet_demand_eff=pl.lit("backlog"),
        min_order_qty_eff=pl.lit(0.0),
        order_multiple_eff=pl.Series(tree.lot),
        order_cost_eff=pl.lit(tree.order_cost),
        criticality_eff=pl.lit("normal"),
        demand_last_year_qty=pl.Series(365.25 * tree.mean),
        planned=pl.lit(True),
    )
    atoms = [
        sorted({float(d - s), float(d), float(d + s)}) for d, s in zip(tree.lead, tree.spread, strict=True)
    ]
    lead_times = pl.DataFrame({"item_id": keys["item_id"], "to_location_id": names}).with_columns(
        from_location_id=pl.Series(sender),
        mean_days_est=pl.Series(tree.lead),
        sd_days_est=pl.Series(tree.spread * np.sqrt(2.0 / 3.0)),
        **{f"n_receipts_{name}": pl.lit(99) for name in ("item", "lane", "supplier")},
        **{f"weight_{name}": pl.lit(float(name == "item")) for name in ("item", "lane", "supplier")},
        method_used=pl.lit("item"),
        method_wanted=pl.lit("item"),
        atom_days=pl.Series(atoms),
        atom_probability=pl.Series([[1.0 / len(days)] * len(days) for days in atoms]),
    )
    target = pl.DataFrame(keys).with_columns(
        annual_value=pl.Series(365.25 * rate * tree.cost),
        value_share_cum=pl.lit(1.0),
        abc=pl.lit("A"),
        xyz=pl.lit("X"),
        criticality=pl.lit("normal"),
        target_kind_eff=pl.lit("fill"),
        target_service_opt=pl.lit(tree.target),
        target_service_eff=pl.lit(tree.target),
        target_source=pl.lit("segment"),
    )
    laws = [_laws(tree, below[at] > 0, atoms[at]) for at in range(n)]
    days = tree.lead + tree.review
    variance = below @ (tree.mean * tree.over)
    estimates = pl.DataFrame(keys).with_columns(
        demand_class=pl.lit(tree.kind),
        n_periods=pl.lit(104),
        n_demand_periods=pl.lit(104),
        period_days=pl.lit(1.0),
        mean_per_day_est=pl.Series(rate),
        sd_per_period_obs=pl.Series(np.sqrt(variance * tree.review)),
        method_used=pl.lit("known"),
        method_wanted=pl.lit("known"),
        n_origins=pl.lit(0),
        protection_days_mean=pl.Series(days),
        protection_days_sd=lead_times["sd_days_est"],
        mean_lead_qty=pl.Series(rate * tree.lead),
        mean_protection_qty=pl.Series(rate * days),
        sd_protection_qty=pl.Series(
            np.sqrt(variance * days + (rate * lead_times["sd_days_est"].to_numpy()) ** 2)
        ),
        step_qty=pl.lit(1.0),
        **{name: pl.Series([law[name] for law in laws]) for name in laws[0]},
    )
    return {
        "planning_point": points,
        "demand_estimate": estimates,
        "lead_time_estimate": lead_times,
        "target": target,
    }


def _below(source: Ints) -> Floats:
    """Return (n, n) whether each place (column) draws on a place (row), itself included."""
    below = np.eye(len(source))
    for place in range(len(source) - 1, 0, -1):
        below[source[place]] += below[place]
    return below


def _laws(
    tree: _Tree, counted: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], atoms: list[float]
) -> dict[str, list[float]]:
    """Return the five laws of demand of some places together, by their transform."""
    mean, over = tree.mean[counted], tree.over[counted]
    longest = atoms[-1] + tree.review
    reach = mean.sum() * longest + 12.0 * np.sqrt((mean * over).sum() * longest) + 40.0 * over.max() + 20.0
    size = int(2 ** np.ceil(np.log2(reach)))
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    log_day = np.zeros(len(turn), dtype=np.complex128)
    for m, ratio in zip(mean, over, strict=True):
        if m > 0.0:  # shape r = m / (ratio - 1), chance of one more 1 - 1 / ratio
            more = np.maximum(ratio - 1.0, 1e-9)
            log_day += -m / more * np.log(ratio - more * turn)
    middle = float(np.mean(atoms))
    review = tree.review
    spans = {
        "pmf_review": [review], "pmf_lead": atoms, "pmf_protection": [days + review for days in atoms],
        "pmf_lead_constant": [middle], "pmf_protection_constant": [middle + review],
    }  # fmt: skip
    found = {}
    for name, days in spans.items():
        transform = np.mean([np.exp(log_day * span) for span in days], axis=0)
        law = np.maximum(np.fft.irfft(transform, size), 0.0)
        end = int(np.flatnonzero(np.cumsum(law[::-1])[::-1] > TAIL)[-1]) + 1
        found[name] = (law[:end] / law[:end].sum()).tolist()
    return found
