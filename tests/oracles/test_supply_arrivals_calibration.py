"""Stated chances of arrival hold: against exact laws, simulated orders, and orders of the past.

Simulated orders: the sum of (arrived - stated chance) over its standard deviation is a standard normal
variable but for errors of the estimates; |z| < 3.9 raises one false alarm in 10,000 redrawn worlds.
Replays have fixed data: the tolerances are what a planner would still call right.
"""

import os
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from plimsoll import ingest, supply
from plimsoll.domain.raw import RawTable
from plimsoll.domain.tables import table
from plimsoll.examples.company import generate
from plimsoll.maths.rng import rng_for
from plimsoll.supply import atoms
from plimsoll.supply.waiting import tail_shape, waiting_laws

AS_OF = date(2026, 6, 30)
PARAMS = supply.SupplyParams()
DATA = Path(os.environ.get("PLIMSOLL_DATA", Path(__file__).parents[3] / "shared" / "data"))
SCMS = DATA / "scms" / "purchase_orders.csv"
LINE = ["order_id", "line", "item_id", "to_location_id"]
NODE = ["item_id", "to_location_id", "from_location_id"]


def curves(mean, cv):
    days, share = atoms.gamma_atoms(np.array([cv]))
    lists = atoms.as_lists(days * mean, share)
    return waiting_laws(*lists, shape=0.02, least_share=0.05)


@pytest.mark.parametrize("cv", [0.1, 0.3, 0.6])
def test_atoms_as_a_curve_are_near_the_law_that_they_stand_for(cv):
    law, exact = curves(60.0, cv), stats.gamma(1 / cv**2, scale=60 * cv**2)
    times = exact.ppf(np.linspace(0.005, 0.995, 100))
    found = np.array([law.survival(np.array([time]))[0] for time in times])
    assert np.abs(found - exact.sf(times)).max() < 0.015


@pytest.mark.parametrize("shape", [0.02, 0.2, 0.5])
def test_survival_its_inverse_and_its_integral_agree(shape):
    rng = rng_for(1, "laws")
    rows = [np.sort(rng.gamma(4, 8, n)) for n in (1, 2, 7, 24)]
    shares = [rng.dirichlet(np.ones(len(row))) for row in rows]
    as_lists = [pl.Series([part.tolist() for part in parts]) for parts in (rows, shares)]
    law = waiting_laws(*as_lists, shape=shape, least_share=0.05)
    for level in (0.999, 0.8, 0.5, 0.05, 1e-4):
        assert law.survival(law.days_at(np.full(4, level))) == pytest.approx(level)
    for time in (3.0, 20.0, 45.0, 200.0):
        for row, area in enumerate(law.area(np.full(4, time))):
            grid = np.linspace(law.edges[row, 0], time, 601)
            values = np.array([law.survival(np.full(4, moment))[row] for moment in grid])
            assert area == pytest.approx(np.trapezoid(values, grid), abs=2e-2)


def test_the_mean_beyond_the_last_edge_is_the_last_atom():
    law = waiting_laws(
        pl.Series([[10.0, 20.0, 60.0]]), pl.Series([[0.5, 0.3, 0.2]]), shape=0.3, least_share=0.05
    )
    beyond = (law.area(np.array([1e9])) - law.area(law.edges[:, -1])) / law.above[:, -1]
    assert law.edges[0, -1] + beyond[0] == pytest.approx(60, rel=1e-3)


@pytest.mark.parametrize("shape", [0.05, 0.25, 0.45])
def test_the_tail_is_found_again(shape):
    """4,000 excesses: the error of the shape is about 0.03; 4.5 of them is one false alarm in 100,000."""
    drawn = stats.genpareto(shape, scale=1 - shape).rvs(4000, random_state=rng_for(2, "tail"))
    assert tail_shape(drawn, 50) == pytest.approx(shape, abs=0.13)
    assert tail_shape(drawn[:49], 50) == 0.02


@pytest.fixture(scope="module")
def simulated():
    """800 items of 40 suppliers, 12 past receipts each, and one order still open at its own age."""
    rng = rng_for(3, "open orders")
    n = 800
    supplier = np.arange(n) % 40
    mean = rng.uniform(30, 90, 40)[supplier] * np.exp(rng.normal(0, 0.05, n))
    cv = rng.uniform(0.15, 0.4, 40)[supplier]

    def draw(size):
        return np.rint(rng.gamma(1 / cv**2, cv**2 * mean, (size, n)))

    names = {
        "item_id": np.char.add("I", np.arange(n).astype(str)),
        "from_location_id": np.char.add("S", supplier.astype(str)),
        "to_location_id": np.full(n, "DC"),
        "line": np.full(n, "1"),
        "quantity": np.ones(n),
    }
    parts = []
    for turn, lead in enumerate(draw(12)):
        received = np.datetime64(AS_OF) - rng.integers(1, 400, n)
        ids = np.char.add(f"R{turn}-", np.arange(n).astype(str))
        parts.append(pl.DataFrame(names | {"order_id": ids, "received_date": received,
                                           "ordered_date": received - lead.astype(int)}))  # fmt: skip
    age = np.rint(rng.uniform(0, 1.4, n) * mean).astype(int)
    candidates = draw(400)
    # The lead time of an order that is still open after its age: the first draw that lasts longer.
    lasts = candidates > age
    lead = candidates[lasts.argmax(axis=0), np.arange(n)]
    some = lasts.any(axis=0)
    ordered = np.datetime64(AS_OF) - age
    ids = np.char.add("O", np.arange(n).astype(str))
    orders = pl.DataFrame(
        names | {"order_id": ids, "ordered_date": ordered, "days_to_go": lead - age}
    ).filter(some)
    receipts = table("receipts").conform(
        pl.concat(parts).with_columns(
            pl.col("received_date").cast(pl.Date), pl.col("ordered_date").cast(pl.Date)
        )
    )
    lanes = table("lanes").conform(pl.DataFrame(names).select(NODE))
    return receipts, lanes, orders.with_columns(pl.col("ordered_date").cast(pl.Date))


def judged(receipts, lanes, orders, as_of, horizon, *, censored=False):
    """The risks of orders that are all due in so many days; each with its days to go in truth."""
    due = as_of + timedelta(days=horizon)
    opened = table("open_orders").conform(
        orders.select(*LINE, "from_location_id", "ordered_date", "quantity", due_date=pl.lit(due))
    )
    still = opened if censored else None
    lead_times = supply.estimate(receipts, lanes, PARAMS, as_of=as_of, open_orders=still)
    points = (
        orders.select(*NODE[:2], "from_location_id")
        .unique(NODE[:2])
        .with_columns(unit_cost_eff=pl.lit(1.0), unit_price_eff=pl.lit(1.0))
        .rename({"to_location_id": "location_id"})
    )
    found = supply.arrival_risk(
        opened, receipts, lanes, lead_times, supply.stocked_points(points), PARAMS, as_of=as_of
    )
    return found.join(orders.select(*LINE, "days_to_go"), on=LINE).with_columns(
        p=pl.col("arrives_by_due_probability"), y=(pl.col("days_to_go") <= horizon).cast(pl.Float64)
    )


@pytest.mark.parametrize("horizon", [5, 15, 40])
def test_chances_of_simulated_orders_hold(simulated, horizon):
    found = judged(*simulated, AS_OF, horizon)
    assert found.height > 700
    chance, came = found["p"].to_numpy(), found["y"].to_numpy()
    z = (came - chance).sum() / np.sqrt((chance * (1 - chance)).sum())
    assert abs(z) < 3.9
    # Ignoring the days that have passed is refuted by the same orders.
    fresh = judged(
        simulated[0], simulated[1], simulated[2].with_columns(ordered_date=pl.lit(AS_OF)), AS_OF, horizon
    )
    blind = fresh["p"].to_numpy()
    assert abs((came - blind).sum() / np.sqrt(np.maximum(blind * (1 - blind), 1e-3).sum())) > 6


def replay(receipts, lanes, days, horizon):
    """At each past day the orders then open, judged by what was known then."""
    whole = receipts.filter(pl.col("received_date") >= pl.col("ordered_date")).sort("received_date")
    whole = whole.unique(LINE, keep="first", maintain_order=True)
    for day in days:
        opened = whole.filter((pl.col("ordered_date") <= day) & (pl.col("received_date") > day))
        togo = (pl.col("received_date") - pl.lit(day)).dt.total_days()
        yield judged(receipts, lanes, opened.with_columns(days_to_go=togo), day, horizon, censored=True)


@pytest.fixture(scope="module")
def demo():
    company = generate(400, 5)
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    facts = ingest.read(raws, ingest.Mapping.from_text(company.mapping), ingest.IngestParams()).tables
    return ingest.complete(facts, ingest.IngestParams(), as_of=company.as_of), company.as_of


def test_chances_of_the_demo_companys_past_orders_hold(demo):
    complete, end = demo
    days = [end - timedelta(days=back) for back in (130, 200, 270)]
    found = pl.concat(replay(complete.tables["receipts"], complete.lanes, days, 21))
    assert found.height > 500
    error, spread = (found["p"] - found["y"]).pow(2).mean(), found["y"].var()
    assert error < 0.5 * spread
    assert found["p"].mean() == pytest.approx(found["y"].mean(), abs=0.04)
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        cell = found.filter(pl.col("p").is_between(low, high, closed="left"))
        tolerance = 4 * (0.25 / cell.height) ** 0.5
        assert cell["y"].mean() == pytest.approx(cell["p"].mean(), abs=max(0.05, tolerance)), (low, high)


def test_dates_of_real_past_orders_hold():
    """Eight days of knowledge, one order judged on several: 1,400 orders at 5 points is far beyond chance."""
    if not SCMS.exists():
        pytest.skip(f"real purchase orders are not there: {SCMS}")
    rows = pl.read_csv(SCMS, infer_schema_length=None, try_parse_dates=True).select(
        order_id="po_number",
        line=pl.col("po_line_id").cast(pl.String),
        item_id="item_description",
        to_location_id="country",
        from_location_id="vendor",
        ordered_date="po_sent_date",
        received_date="delivered_date",
        quantity=pl.col("quantity").cast(pl.Float64),
        shipment_id="shipment_id",
    )
    receipts = table("receipts").conform(rows)
    lanes = table("lanes").conform(rows.select(NODE).unique())
    days = [date(2011, 9, 1) + timedelta(days=170 * n) for n in range(8)]
    found = pl.concat(replay(receipts, lanes, days, 30))
    assert found.height > 1000
    for name, level in (("median", 0.5), ("80", 0.8), ("95", 0.95)):
        ahead = (pl.col(f"arrival_{name}_date") - pl.col("due_date")).dt.total_days() + 30
        assert found.select((pl.col("days_to_go") <= ahead).mean()).item() == pytest.approx(level, abs=0.05)
    assert (found["p"] - found["y"]).pow(2).mean() < found["y"].var()
