"""Every key figure of the demo company, against an SQL statement written from its definition.

The facts go to SQLite as CSV rows; results of plans are taken as the plan wrote them, decisions and times
from the workspace's own database. The demo company counts its stock once and expedites nothing, so counts,
expedited receipts and returns are added first, drawn with a fixed seed.
"""
# ruff: noqa: S608 - the statements are fixed texts

import csv
import io
import sqlite3
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from plimsoll import ingest
from plimsoll.domain.decisions import LineRef, line_id
from plimsoll.domain.kpis import KPIS
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.people import owner
from plimsoll.store.workspace import Workspace
from plimsoll.workflows import decide
from plimsoll.workflows.demo import build_demo
from plimsoll.workflows.kpi import Asked, measure_kpis
from plimsoll.workflows.plan import make_plan

AT, LAST = datetime(2026, 11, 21, 9, tzinfo=UTC), date(2026, 10, 31)
THEN = date(2026, 9, 30)
FIRST = date(2025, 11, 1)
CARRY = 31
KIM = owner("kim")


def richer(facts):
    """The facts with counts at odd days, receipts that were expedited, and goods sent back."""
    rng = np.random.default_rng(11)
    points = facts["stock"].select("item_id", "location_id").unique().sort("item_id", "location_id")
    counts = []
    for item, place in points.iter_rows():
        gaps = rng.integers(3, 60, 12)
        held = rng.integers(-2, 30, 12) * (rng.random(12) < 0.8)
        on = LAST
        for gap, units in zip(gaps.tolist(), held.tolist(), strict=True):
            counts.append((on, item, place, float(units)))
            on -= timedelta(days=gap)
    schema = {name: facts["stock"].schema[name] for name in ("date", "item_id", "location_id", "on_hand")}
    stock = pl.DataFrame(counts, schema=schema, orient="row").with_columns(
        allocated=pl.lit(0.0), backlog=pl.lit(0.0)
    )
    n = facts["receipts"].height
    receipts = facts["receipts"].with_columns(
        expedited=pl.Series(rng.random(n) < 0.1),
        freight_cost=pl.Series(np.where(rng.random(n) < 0.9, rng.integers(10, 200, n), np.nan)).fill_nan(
            None
        ),
    )
    sold = facts["demand"].filter(pl.col("order_id").is_not_null(), pl.col("quantity") > 0)
    back = sold.gather_every(97).with_columns(
        quantity=-1.0, line=pl.lit("R"), shipped_date=None, shipped_quantity=None, promised_date=None
    )
    demand = pl.concat([facts["demand"], back.select(facts["demand"].columns)]).sort(
        "date", "item_id", "location_id", "order_id", "line"
    )
    return {"stock": stock.sort("date", "item_id", "location_id"), "receipts": receipts, "demand": demand}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("kpis") / "company"
    build_demo(path, n_items=60, seed=7, at=AT)
    with (path / "plimsoll.toml").open("a", encoding="utf-8") as file:
        file.write('[demand]\nlearned = "off"\n')
    with Workspace.open(path) as workspace:
        known = workspace.import_in_force()
        parts = {"parameters": known.manifest["parameters"], "inputs": {"more": "made up"}}
        manifest = Manifest("import", known.manifest["version"], known.as_of, 1, **parts)
        workspace.publish_import(richer(workspace.facts()), manifest, at=AT + timedelta(hours=1))
    plan = make_plan(path, as_of=THEN, at=AT + timedelta(hours=4))
    orders = plan["line"].filter(pl.col("kind").is_in(["purchase", "transfer"])).sort("line_no").head(21)
    refs = [LineRef(line_id(plan.run_id, number), 0) for number in orders["line_no"]]
    decide.accept(path, refs[:12], KIM, at=AT + timedelta(hours=5))
    decide.refuse(path, refs[12:16], KIM, reason="too_much", at=AT + timedelta(hours=5))
    for ref, row in list(zip(refs, orders.iter_rows(named=True), strict=True))[16:]:
        decide.change(
            path, ref, KIM, quantity=row["quantity"] + 10, reason="too_little", at=AT + timedelta(hours=5)
        )
    make_plan(path, at=AT + timedelta(hours=6))
    return path


@pytest.fixture(scope="module")
def results(folder):
    return {
        by: measure_kpis(folder, Asked(by=by), at=AT + timedelta(hours=7))
        for by in ("company", "category", "location", "supplier", "class", "segment")
    }


def loaded(database, name, frame):
    """Put a frame into a table of the database, by way of CSV; an empty cell is null."""
    kinds = {pl.Float64: "REAL", pl.Boolean: "INTEGER"}
    columns = ", ".join(f'"{column}" {kinds.get(kind, "TEXT")}' for column, kind in frame.schema.items())
    database.execute(f'CREATE TABLE "{name}" ({columns})')
    booleans = [column for column, kind in frame.schema.items() if kind == pl.Boolean]
    text = frame.with_columns(pl.col(booleans).cast(pl.Int8)).write_csv(include_header=False)
    rows = [[cell or None for cell in row] for row in csv.reader(io.StringIO(text))]
    database.executemany(f'INSERT INTO "{name}" VALUES ({",".join("?" * frame.width)})', rows)


@pytest.fixture(scope="module")
def database(folder):
    """Facts and plans in SQLite, with the lines and the days that the statements start from."""
    base = sqlite3.connect(":memory:")
    with Workspace.open(folder) as workspace:
        facts = workspace.facts()
        for name in ("demand", "stock", "receipts", "customers"):
            loaded(base, name, facts[name])
        points = ingest.complete(facts, as_of=LAST).points
        loaded(base, "point", points.select(
            "item_id", "location_id", "from_location_id", "category", cost="unit_cost_eff",
            price="unit_price_eff", rate="holding_rate_eff",
        ))  # fmt: skip
        plans = [run for run in workspace.runs() if run.kind == "plan"]
        for run in plans:
            for name in ("planning_point", "inventory_health", "outlook", "target", "policy"):
                loaded(base, f"{name}_{run.as_of:%m}", workspace.result(name, run.id))
            for name in ("lead_time_estimate", "demand_estimate"):
                plain = workspace.result(name, run.id).select(pl.exclude(pl.List(pl.Float64)))
                loaded(base, f"{name}_{run.as_of:%m}", plain)
    base.executescript(f"""
        CREATE INDEX stock_key ON stock (item_id, location_id, date);
        CREATE TABLE day AS WITH RECURSIVE d(d) AS (
            SELECT '{FIRST}' UNION ALL SELECT date(d, '+1 day') FROM d WHERE d < '{LAST}') SELECT d FROM d;
        -- the stock at the end of each day: the latest count, if it is not too old
        CREATE TABLE held AS SELECT p.item_id, p.location_id, d.d, (
            SELECT max(s.on_hand, 0) FROM stock s
            WHERE s.item_id = p.item_id AND s.location_id = p.location_id AND s.date <= d.d
              AND julianday(d.d) - julianday(s.date) < {CARRY} ORDER BY s.date DESC LIMIT 1) AS units
            FROM point p CROSS JOIN day d;
        CREATE TABLE mean AS SELECT item_id, location_id, avg(units) AS units FROM held
            WHERE units IS NOT NULL GROUP BY 1, 2;
        -- customers' lines; Sunday ends the week
        CREATE TABLE sale AS SELECT d.*, p.cost, p.price, p.category, p.from_location_id,
            max(coalesce(promised_date, date(date, 'weekday 0')), date) AS due,
            coalesce(shipped_quantity, CASE WHEN shipped_date IS NOT NULL THEN quantity END) AS shipped
            FROM demand d JOIN point p USING (item_id, location_id)
            WHERE quantity > 0 AND coalesce(kind, 'sale') <> 'issue' AND date BETWEEN '{FIRST}' AND '{LAST}';
        CREATE TABLE judged AS SELECT *, CASE WHEN shipped_date <= due THEN min(shipped, quantity) ELSE 0 END
            AS served FROM sale
            WHERE shipped IS NOT NULL AND (due <= '{LAST}' OR (shipped_date <= due AND shipped >= quantity));
        CREATE INDEX judged_key ON judged (order_id, line, item_id);
        CREATE INDEX demand_key ON demand (order_id, item_id);
    """)
    return base


YEAR = f"((julianday('{LAST}') - julianday('{FIRST}') + 1) / 365.25)"
STOCK = "(SELECT sum(m.units * p.cost) FROM mean m JOIN point p USING (item_id, location_id))"
COGS = f"""(SELECT sum(coalesce(max(s.shipped, 0), s.quantity) * s.cost) / {YEAR} FROM sale s
    JOIN mean USING (item_id, location_id))"""
FILL = "(SELECT sum(served * price) / sum(quantity * price) FROM judged)"
FREIGHT = f"""(SELECT sum(freight_cost) FROM receipts r JOIN point p
    ON p.item_id = r.item_id AND p.location_id = r.to_location_id
    WHERE expedited AND received_date BETWEEN '{FIRST}' AND '{LAST}')"""
LOOKS = """(SELECT date, on_hand <= 0 AS empty, lag(on_hand <= 0) OVER w AS was_empty,
    julianday(date) - julianday(lag(date) OVER w) AS gap FROM stock JOIN point USING (item_id, location_id)
    WINDOW w AS (PARTITION BY item_id, location_id ORDER BY date))"""
ORDERS = """(SELECT order_id, min(j.served IS NOT NULL) AS told,
    min(coalesce(j.served >= s.quantity, 0)) AS full,
    max(EXISTS (SELECT 1 FROM demand b WHERE b.quantity < 0 AND b.order_id = s.order_id
                AND b.item_id = s.item_id)) AS back
    FROM sale s LEFT JOIN judged j USING (order_id, line, item_id, location_id, date)
    WHERE order_id IS NOT NULL GROUP BY order_id)"""
HELD = "inventory_health_10 h JOIN outlook_10 o USING (item_id, location_id) WHERE counted_date IS NOT NULL"
STATEMENTS = {
    "inventory_value": f"SELECT {STOCK}",
    "fill_rate": f"SELECT {FILL}",
    "turns": f"SELECT {COGS} / {STOCK}",
    "expedite_spend": f"SELECT {FREIGHT} / {YEAR}",
    "days_of_inventory": f"SELECT 365.25 * {STOCK} / {COGS}",
    "excess_obsolete_share": f"""SELECT sum(excess_value + slow_value + dead_value) / sum(on_hand_value)
        FROM {HELD}""",
    "line_fill_rate": "SELECT avg(served >= quantity) FROM judged",
    "otif": f"SELECT avg(full) FROM {ORDERS} WHERE told",
    "perfect_order_rate": f"SELECT avg(full AND NOT back) FROM {ORDERS} WHERE told",
    "stockout_frequency": f"""SELECT sum(empty AND NOT was_empty) / (sum(gap) / 365.25) FROM {LOOKS}
        WHERE gap <= {CARRY} AND date BETWEEN '{FIRST}' AND '{LAST}'""",
    "expedite_share": f"""SELECT {FREIGHT} / sum(coalesce(max(shipped, 0), quantity)
        * coalesce(unit_price, price)) FROM sale""",
    "service_per_million": f"SELECT 1e6 * {FILL} / {STOCK}",
    "capital_at_risk": f"""SELECT sum(on_hand_value) FROM {HELD} AND (
        (SELECT xyz FROM target_10 t WHERE t.item_id = h.item_id AND t.location_id = h.location_id) = 'Z'
        OR (SELECT sd_days_est > 0.5 * mean_days_est FROM lead_time_estimate_10 l JOIN point p
            ON p.item_id = l.item_id AND p.location_id = l.to_location_id
            AND p.from_location_id = l.from_location_id
            WHERE p.item_id = h.item_id AND p.location_id = h.location_id))""",
    "carrying_cost": """SELECT sum(m.units * p.cost * p.rate) FROM mean m
        JOIN point p USING (item_id, location_id)""",
    "safety_cover_days": """SELECT sum(buffer_qty * unit_cost_eff) / sum(mean_per_day_est * unit_cost_eff)
        FROM policy_10 JOIN demand_estimate_10 USING (item_id, location_id)
        JOIN planning_point_10 USING (item_id, location_id)
        WHERE policy <> 'none'""",
    "policy_changes": """SELECT avg(
            abs(a.order_up_to_qty - b.order_up_to_qty)
                > 0.05 * max(abs(a.order_up_to_qty), abs(b.order_up_to_qty))
            OR abs(a.reorder_point_qty - b.reorder_point_qty)
                > 0.05 * max(abs(a.reorder_point_qty), abs(b.reorder_point_qty)))
        FROM policy_10 a JOIN policy_09 b USING (item_id, location_id)""",
}  # fmt: skip


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_figure_of_the_company(name, results, database):
    expected = database.execute(STATEMENTS[name]).fetchone()[0]
    found = results["company"].value(name)
    assert expected is not None
    assert found == pytest.approx(expected, rel=1e-9)
    if KPIS[name].unit == "share":
        assert 0.001 < found < 0.999, "a share of nothing or all would prove little"


def test_decisions_and_times_are_those_of_the_database(folder, results):
    with sqlite3.connect(folder / "plimsoll.db") as base:
        rate = base.execute(
            """SELECT avg(status = 'refused' OR coalesce(quantity_set <> quantity, 0)) FROM line_state
            WHERE status IN ('accepted', 'changed', 'refused', 'exported', 'received')"""
        ).fetchone()[0]
        hours = base.execute(
            """SELECT 24 * (julianday(min(r.created_at)) - julianday(i.created_at))
            FROM run r, import_version i WHERE r.kind = 'plan' AND i.in_force GROUP BY i.id"""
        ).fetchone()[0]
    assert results["company"].value("override_rate") == pytest.approx(rate)
    assert 0.2 < rate < 0.8
    assert results["company"].value("time_to_replan") == pytest.approx(hours, abs=1e-4) == pytest.approx(3.0)


@pytest.mark.parametrize(("by", "column"), [("category", "category"), ("location", "location_id")])
def test_groups(by, column, results, database):
    fill = f"SELECT {column}, sum(served * price) / sum(quantity * price) FROM judged GROUP BY 1"
    stock = f"""SELECT p.{column}, sum(m.units * p.cost) FROM mean m
        JOIN point p USING (item_id, location_id) GROUP BY 1"""
    for name, statement in (("fill_rate", fill), ("inventory_value", stock)):
        rows = database.execute(statement).fetchall()
        expected = {group or "unknown": value for group, value in rows if value is not None}
        found = results[by].figures.filter(pl.col("kpi") == name, pl.col("value").is_not_null())
        assert dict(found.select("group", "value").iter_rows()) == pytest.approx(expected)
        assert len(expected) > 3


def test_segments(results, database):
    statement = """SELECT coalesce(segment, 'no customer named'), avg(served >= quantity) FROM judged
        LEFT JOIN customers USING (customer_id) GROUP BY 1"""
    found = results["segment"].figures.filter(kpi="line_fill_rate")
    assert dict(found.select("group", "value").iter_rows()) == pytest.approx(
        dict(database.execute(statement))
    )


def test_months(results, database):
    statement = """SELECT strftime('%Y-%m-01', date), sum(served * price) / sum(quantity * price) FROM judged
        GROUP BY 1"""
    found = results["company"].trend.filter(kpi="fill_rate").select(pl.col("period").cast(pl.String), "value")
    assert dict(found.iter_rows()) == pytest.approx(dict(database.execute(statement)))
    of_month = """SELECT strftime('%Y-%m-01', d), sum(units) FROM (
        SELECT d, avg(units) * cost AS units FROM held JOIN point USING (item_id, location_id)
        WHERE units IS NOT NULL GROUP BY strftime('%Y-%m', d), item_id, location_id) GROUP BY 1"""
    found = (
        results["company"]
        .trend.filter(kpi="inventory_value")
        .select(pl.col("period").cast(pl.String), "value")
    )
    assert dict(found.iter_rows()) == pytest.approx(dict(database.execute(of_month)))


def test_every_figure_but_those_of_a_check_has_a_statement():
    told = {name for name, each in KPIS.items() if each.grain in ("point", "order")}
    assert told - STATEMENTS.keys() == {"override_rate"}
