"""The demo company: a plausible mid-market manufacturer with planted faults, and the truth behind it."""

from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import polars as pl

from plimsoll.domain.errors import SettingError
from plimsoll.examples import faults, shape, sources, supply, truth
from plimsoll.examples.demand import draw_lines, ship, true_rates
from plimsoll.examples.stock import SHORT, draw_stock

MIN_ITEMS = 50


@dataclass(frozen=True)
class Company:
    """A company as its ERP shows it, the mapping that reads it, and what is really so.

    `sources` holds one frame a file, by file name; `truth` holds `points` (demand), `lanes` (lead
    times), `stock` (posture) and `faults` (every planted mistake).
    """

    sources: dict[str, pl.DataFrame]
    mapping: str
    truth: dict[str, pl.DataFrame]
    as_of: date


def generate(n_items: int = 8000, seed: int = 7, as_of: date = date(2026, 10, 31)) -> Company:
    """Return the demo company: 24 months of history up to `as_of`.

    A plant, 3 DCs, 40 branches and up to 60 suppliers; about 3.1 stocking points an item. Equal
    arguments give equal frames. Raises SettingError for fewer than 50 items.

    Examples
    --------
    >>> company = generate(60)
    >>> company.sources["material_master.csv"].height
    60
    """
    if n_items < MIN_ITEMS:
        what = f"A demo company of {n_items} items is too small."
        raise SettingError(what, remedy=f"Ask for {MIN_ITEMS} items or more.")
    span = shape.span_of(as_of)
    items = shape.draw_items(seed, n_items, span)
    bom = shape.draw_bom(seed, items)
    points = shape.draw_points(seed, items, bom)
    rates = true_rates(items, points, span)
    per_place = max(5, n_items // 160)
    lines = draw_lines(seed, items, points, span, per_place)
    makers = supply.draw_sources(seed)
    lanes = supply.draw_lanes(seed, items, points, rates, makers)
    orders = supply.draw_orders(seed, items, points, lanes, span)
    lanes = supply.grow_stale(seed, lanes, orders, points, makers, span)
    stock = draw_stock(seed, items, points, rates, lanes, supply.on_order(orders, points.n, span))
    shipments = ship(seed, lines, stock.posture == SHORT, span)
    names = sources.name_all(items, points)
    clean = {
        "material_master.csv": sources.material_master(seed, items, names, span),
        "sites.csv": sources.sites(names),
        "vendors.csv": sources.vendors(names, makers),
        "customers.csv": sources.customers(per_place),
        "bill_of_materials.csv": sources.bill_of_materials(bom, names),
        **sources.lane_files(seed, items, points, lanes, names),
        **sources.demand_files(seed, lines, shipments, items, points, names, span, per_place),
        **sources.order_files(orders, points, lanes, names, span),
        **sources.stock_files(stock, lines, shipments, points, names, span),
    }
    standing = truth.standing_faults(items, points, lines, lanes, stock, names, span)
    spoilt, planted = faults.plant(seed, clean, as_of, standing)
    real = {
        "points": truth.true_points(items, points, rates, names, span),
        "lanes": truth.true_lanes(lanes, names),
        "stock": truth.true_stock(stock, names),
        "faults": pl.concat([planted, standing]),
    }
    mapping = files("plimsoll.examples").joinpath("mapping.toml").read_text(encoding="utf-8")
    spoilt["vendor_terms.csv"] = sources.vendor_terms(seed, names, makers)
    return Company(spoilt, mapping.replace("AS_OF", as_of.isoformat()), real, as_of)


def write(company: Company, folder: Path) -> None:
    """Write the source files, `mapping.toml` and `truth/*.parquet` into a folder, made if need be."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for name, frame in company.sources.items():
        _write_table(frame, folder / name)
    (folder / "mapping.toml").write_text(company.mapping, encoding="utf-8")
    for name, frame in company.truth.items():
        _write_table(frame, folder / "truth" / f"{name}.parquet")


def _write_table(frame: pl.DataFrame, path: Path) -> None:
    content = BytesIO()  # so that a full disk speaks as an OSError, which Polars hides
    if path.suffix == ".parquet":
        frame.write_parquet(content)
    else:
        frame.write_csv(content)
    path.write_bytes(content.getvalue())


def sizes(company: Company) -> dict[str, int]:
    """Return how large the company is: rows by file, stocking points and planted faults.

    Examples
    --------
    >>> sizes(generate(60))["sites.csv"]
    44
    """
    rows = {name: frame.height for name, frame in company.sources.items()}
    return {
        **rows,
        "stocking_points": company.truth["points"].height,
        "planted_faults": company.truth["faults"].height,
    }
