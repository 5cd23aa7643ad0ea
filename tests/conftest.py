"""What tests of several rooms share: small companies, plans with lines, a database server."""

import os
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import create_engine, text

from plimsoll.domain.manifest import Manifest
from plimsoll.domain.tables import table
from plimsoll.store import Workspace

AS_OF = date(2026, 11, 21)


def _point(item="A", at="DC1", source="Acme", kind="purchase", **given):
    row = {
        "item_id": item,
        "location_id": at,
        "from_location_id": source,
        "supply_kind": kind,
        "unit_cost_eff": 10.0,
        "unit_price_eff": 20.0,
        "review_days_eff": 7.0,
        "holding_rate_eff": 0.2,
        "unmet_demand_eff": "backlog",
        "min_order_qty_eff": 0.0,
        "order_multiple_eff": 0.0,
        "order_cost_eff": 0.0,
        "criticality_eff": "normal",
        "planned": True,
        # lead time
        "mean_days_est": 14.0,
        "sd_days_est": 0.0,
        "method_used": "item",
        # demand over the protection interval: {units: share}
        "protection": {10: 0.5, 30: 0.5},
        "lead": {0: 0.5, 20: 0.5},
        "review": {10: 1.0},
        "step_qty": 10.0,
        "n_periods": 52,
        "n_demand_periods": 52,
        "rate": 1.0,
        "protection_days_mean": 21.0,
        "protection_days_sd": 0.0,
        # policy
        "policy": "s_S",
        "policy_reason": "economic",
        "target_kind_eff": "cycle",
        "target_service_eff": 0.98,
        "economic_lot_qty": 20.0,
        "lot_qty": 20.0,
        "s": 30.0,
        "buffer_demand_qty": 10.0,
        "buffer_lead_time_qty": 0.0,
        "buffer_lot_review_qty": 0.0,
        "buffer_network_qty": 0.0,
        "cycle_service_est": 0.98,
        "fill_rate_est": 0.99,
        "on_hand_mean_qty": 20.0,
        # stock: (on hand, allocated, backlog) or None; open orders: [(units, ordered, due)]
        "stock": (0.0, 0.0, 0.0),
        "open": [],
        "abc": "A",
        "xyz": "X",
    }
    return row | given


def _pmf(shares, step):
    lattice = [0.0] * (round(max(shares) / step) + 1)
    for units, share in shares.items():
        lattice[round(units / step)] = share
    return lattice


def _derived(row):
    """Return the row with every column that follows from the given ones."""
    mean = sum(units * share for units, share in row["protection"].items())
    lead = sum(units * share for units, share in row["lead"].items())
    second = sum(units**2 * share for units, share in row["protection"].items())
    pmf, pmf_lead = _pmf(row["protection"], row["step_qty"]), _pmf(row["lead"], row["step_qty"])
    held = row["policy"] != "none"
    level = row["s"] if held else 0.0
    parts = ("buffer_demand_qty", "buffer_lead_time_qty", "buffer_lot_review_qty")
    return row | {
        "demand_class": "smooth",
        "period_days": 7.0,
        "mean_per_day_est": row["rate"],
        "sd_per_period_obs": 1.0,
        "demand_method": "made up",
        "n_origins": 0,
        "mean_lead_qty": lead,
        "mean_protection_qty": mean,
        "sd_protection_qty": max(second - mean**2, 0.0) ** 0.5,
        "pmf_review": _pmf(row["review"], row["step_qty"]),
        "pmf_lead": pmf_lead,
        "pmf_protection": pmf,
        "pmf_lead_constant": pmf_lead,
        "pmf_protection_constant": pmf,
        "review_days": row["review_days_eff"],
        "min_order_qty": row["min_order_qty_eff"],
        "order_multiple": row["order_multiple_eff"],
        "reorder_point_qty": level,
        "order_up_to_qty": level + (row["lot_qty"] if held else 0.0),
        "expected_protection_qty": mean,
        "buffer_qty": row.get("buffer_qty", sum(row[part] for part in parts)),
        "classic_safety_stock_qty": 0.0,
        "classic_reorder_point_qty": 0.0,
        "backlog_mean_qty": 0.0,
        "on_hand_mean_value": held * row["on_hand_mean_qty"] * row["unit_cost_eff"],
        "orders_per_year_est": 1.0,
        "n_receipts_item": 9,
        "n_receipts_lane": 9,
        "n_receipts_supplier": 9,
        "weight_item": 1.0,
        "weight_lane": 0.0,
        "weight_supplier": 0.0,
        "atom_days": [row["mean_days_est"]],
        "atom_probability": [1.0],
        "demand_last_year_qty": row["rate"] * 365,
        "annual_value": row["rate"] * 365.25 * row["unit_cost_eff"],
        "value_share_cum": 0.5,
        "criticality": row["criticality_eff"],
        "target_service_opt": row["target_service_eff"],
        "target_source": "segment",
    }


def _table(name, rows, **renamed):
    """Return the declared table from the rows, with some columns taken from another name."""
    source = {column: renamed.get(column, column) for column in table(name).names}
    values = [{column: row.get(of) for column, of in source.items()} for row in rows]
    return table(name).conform(pl.DataFrame(values, schema=table(name).schema, orient="row"))


def _company(*given):
    rows = [_derived(_point(**row)) for row in given]
    stock = [
        {**row, "date": AS_OF, **dict(zip(("on_hand", "allocated", "backlog"), row["stock"], strict=True))}
        for row in rows
        if row["stock"] is not None
    ]
    orders = [
        {
            **row,
            "order_id": f"PO-{n}-{m}",
            "line": "1",
            "quantity": units,
            "ordered_date": ordered,
            "due_date": due,
        }
        for n, row in enumerate(rows)
        for m, (units, ordered, due) in enumerate(row["open"])
    ]
    return {
        "points": _table("planning_point", rows),
        "lead_times": _table(
            "lead_time_estimate", rows, to_location_id="location_id", method_wanted="method_used"
        ),
        "demand_estimate": _table(
            "demand_estimate", rows, method_used="demand_method", method_wanted="demand_method"
        ),
        "policy": _table("policy", [row | {"method_used": "exact"} for row in rows]),
        "target": _table("target", rows),
        "stock": _table("stock", stock),
        "open_orders": _table("open_orders", orders, to_location_id="location_id"),
    }


@pytest.fixture(scope="session")
def company():
    """A function that builds the tables of a company from a few figures of each point."""
    return _company


BINARIES = "lib/postgresql/*/bin/postgres"
START = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


def _as_nobody(command, **given):
    """Run a command; the server refuses the superuser, so then as the user with the fewest rights."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd="/", **given)


@pytest.fixture(scope="session")
def postgres_server():
    """The URL of a server: TEST_DATABASE_URL, or Debian's PostgreSQL on a socket of its own."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    found = sorted(Path("/usr").glob(BINARIES))
    if not found:
        pytest.skip("no PostgreSQL: neither TEST_DATABASE_URL nor a server installed (apt: postgresql)")
    binaries, home = found[-1].parent, Path(tempfile.mkdtemp(prefix="plimsoll-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, "nobody", "nogroup")
    data, log = home / "data", home / "log"
    _as_nobody([binaries / "initdb", "-D", data, "-U", "plimsoll", "-A", "trust", "-E", "UTF8", "--no-sync"])
    control = [binaries / "pg_ctl", "-D", data, "-w", "-t", "60"]
    _as_nobody([*control, "-l", log, "-o", f"{START} -k {home}", "start"])
    try:
        yield f"postgresql+psycopg://plimsoll@/postgres?host={home}"
    finally:
        _as_nobody([*control, "-m", "immediate", "stop"])
        time.sleep(0.05)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, monkeypatch):
    """Each kind of database in turn: workspaces made meanwhile keep their rows there."""
    monkeypatch.delenv("PLIMSOLL_DATABASE_URL", raising=False)
    if request.param == "sqlite":
        yield "sqlite"
        return
    server = request.getfixturevalue("postgres_server")
    schema = f"test_{uuid4().hex}"
    engine = create_engine(server)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    joined = "&" if "?" in server else "?"
    monkeypatch.setenv("PLIMSOLL_DATABASE_URL", f"{server}{joined}options=-csearch_path%3D{schema}")
    yield "postgresql"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def _line(line_no=1, **given):
    row = {
        "line_no": line_no,
        "kind": "purchase",
        "item_id": f"P-{line_no}",
        "to_location_id": "DC1",
        "from_location_id": "ACME",
        "description": f"Pump {line_no}",
        "category": "pumps",
        "unit": "pcs",
        "abc": "B",
        "quantity": 10.0,
        "unit_cost": 5.0,
        "order_date": AS_OF,
        "due_date": date(2026, 12, 5),
        "money_at_risk": 7.0,
        "cost": 0.0,
        "gain": 7.0,
        "net": 7.0,
        "pulled_forward": False,
        "confidence": "A",
        "confidence_why": "made up",
        "readiness": "automatic",
        "reason_codes": "below_reorder_point",
        "drivers": "{}",
        "sentence": "Made up.",
    } | given
    return {"value": row["quantity"] * row["unit_cost"]} | row


def _published(folder, lines, seed=1, as_of=AS_OF, further=None):
    with Workspace.create(folder) as workspace:
        rows = [_line(number) for number in range(1, lines + 1)] if isinstance(lines, int) else lines
        frame = pl.DataFrame(rows, schema_overrides=table("line").schema, infer_schema_length=None)
        tables = {"line": table("line").conform(frame)} | (further or {})
        manifest = Manifest("plan", "0.1.0", as_of, seed, {}, workspace.fact_hashes(), {})
        at = datetime(2026, 11, 21, 6, 0, seed, tzinfo=UTC)
        return workspace.publish_run("plan", tables, manifest, at=at)


@pytest.fixture(scope="session")
def line():
    """A function that makes a row of table `line` from a few figures."""
    return _line


@pytest.fixture(scope="session")
def published():
    """A function that publishes a plan with given lines, or so many, in a workspace; returns the run's id."""
    return _published
