"""The audit against the demo company's planted mistakes: what is found, and which clean items are flagged."""

from dataclasses import dataclass
from time import perf_counter

import polars as pl

from plimsoll import audit, ingest, supply
from plimsoll.domain.findings import Finding
from plimsoll.domain.progress import Progress
from plimsoll.domain.raw import RawTable
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.examples.company import Company, generate
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.settings import Settings

POINTS_PER_ITEM = 3.1
# Companies (items, seed); seeds from 101 were looked at for the first time when the figures were taken.
COMPANIES = (*((300 + 100 * (seed % 4), seed) for seed in range(101, 113)), (8000, 7), (8000, 8))
# Planted kind -> checks that find it.
CHECKS = {
    "negative_on_hand": ("negative_on_hand",),
    "missing_unit_cost": ("cost_missing",),
    "wrong_unit_cost": ("cost_out_of_line",),
    "similar_description": ("similar_description",),
    "lead_time_placeholder": ("lead_time_placeholder",),
    "missing_lead_time": ("lead_time_missing",),
    "stale_lead_time": ("lead_time_contradicted",),
    "moq_in_pieces": ("moq_out_of_line",),
    "text_in_number": ("moq_missing",),
    "receipt_before_order": ("receipt_before_order",),
    "long_overdue_order": ("long_overdue_order",),
    "unknown_item": ("item_not_in_master",),
    "returned_goods": ("returned_goods",),
    "price_below_cost": ("price_below_cost",),
    "superseded_item": ("superseded_item",),
    "sold_after_end": ("sold_after_end",),
    "stale_count": ("stale_count",),
    "reversed_min_max": ("reversed_min_max",),
    "foreign_currency": ("foreign_currency",),
    "absurd_quantity": ("demand_spike",),
    "bom_cycle": ("bom_cycle",),
    "bom_missing_component": ("bom_missing_component",),
    "bom_quantity_outlier": ("bom_quantity_outlier",),
    "stock_without_demand": ("stock_without_demand",),
    "one_lead_time_for_all": ("one_lead_time_for_all",),
}
# Planted kind -> reason for which the import sets such a row aside.
REASONS = {
    "text_in_number": "not_a_number",
    "absurd_quantity": "absurd_quantity",
    "duplicate_line": "duplicate_row",
}
# Planted kind -> finding of the import that counts such values.
COUNTED = {"second_date_format": "date_formats_mixed"}
# Named by their item alone: one row for an item, whatever uses it; a twin as the other's twin.
OF_ITEM = ("unknown_item", "similar_description")
KEY_OF = {
    "sales_order_lines.parquet": ("Material", "Delivering Site", "Sales Order", "Order Item"),
    "supplier_info_records.csv": ("Material", "Receiving Site", "Source"),
}


@dataclass(frozen=True, slots=True)
class Audited:
    """A demo company as imported and audited, before its first plan."""

    company: Company
    read: ingest.IngestResult
    found: audit.Audit
    seconds: float


def audited(n_items: int, seed: int) -> Audited:
    """Return the demo company of that size and seed, imported and audited as `plimsoll audit` does."""
    company, settings = generate(n_items, seed), Settings()
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    read = ingest.read(raws, ingest.Mapping.from_text(company.mapping), settings.ingest)
    done = ingest.complete(read.tables, settings.ingest, as_of=company.as_of)
    receipts, orders = done.tables["receipts"], done.tables["open_orders"]
    lead_times = supply.estimate(
        receipts, done.lanes, settings.supply, as_of=company.as_of, open_orders=orders
    )
    results = {"planning_point": done.points, "lead_time_estimate": lead_times}
    known = audit.Company(company.as_of, read.tables, done.tables, results)
    start = perf_counter()
    found = audit.examine(known, settings.audit)
    return Audited(company, read, found, perf_counter() - start)


def planted(case: Audited) -> pl.DataFrame:
    """Return every planted mistake of the truth with `found`: a check, the import or a count names it.

    A row is named if all parts of its key are in the key of a row of the checks of its kind.
    """
    faults = case.company.truth["faults"].with_row_index("number")
    rows, aside = case.found.rows, _set_aside(case.read.quarantine)
    named = []
    for code in faults["code"].unique(maintain_order=True):
        of_kind = faults.filter(code=code)
        told = rows.filter(pl.col("code").is_in(list(CHECKS.get(code, ()))))
        told = pl.concat(
            [
                told.select("item_id", "key"),
                aside.filter(pl.col("reason") == REASONS.get(code, "")).drop("reason"),
            ]
        )
        if code in OF_ITEM:
            other = rows.filter(pl.col("code").is_in(list(CHECKS[code]))).select(item_id="repair_to")
            hit = of_kind.join(pl.concat([told.select("item_id"), other]), on="item_id", how="semi")
        elif code in COUNTED:
            hit = of_kind if _counted(case.read.findings, code, of_kind) else of_kind.clear()
        else:
            parts, told_parts = pl.col("keys").str.split(" @ "), pl.col("key").str.split(" @ ")
            both = of_kind.join(told, on="item_id").filter(
                parts.list.set_difference(told_parts).list.len() == 0
            )
            hit = of_kind.join(both, on="number", how="semi")
        named.append(hit["number"])
    return faults.with_columns(found=pl.col("number").is_in(pl.concat(named).implode())).drop("number")


def _set_aside(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Return item, key and reason of the rows set aside at import, as the truth writes keys."""
    frames = []
    for file, columns in KEY_OF.items():
        parts = [pl.col("raw").str.json_path_match(f"$['{name}']") for name in columns]
        key = pl.concat_str(parts, separator=" @ ")
        frames.append(quarantine.filter(source=file).select(item_id=parts[0], key=key, reason="reason"))
    return pl.concat(frames)


def _counted(findings: list[Finding], code: str, rows: pl.DataFrame) -> bool:
    wanted = (COUNTED[code], rows["table"][0], rows.height)
    return wanted in {(found.code, found.table, found.n_rows) for found in findings}


def clean_items(case: Audited) -> pl.Series:
    """Return the items of the master in no row of the truth's mistakes."""
    items = case.company.sources["material_master.csv"]["Material"]
    return items.filter(~items.is_in(case.company.truth["faults"]["item_id"].implode()))


def disturbed(case: Audited) -> pl.DataFrame:
    """Return the rows of a warning or an error that name a clean item."""
    flagged = case.found.rows.filter(pl.col("severity") != "info")
    return flagged.filter(pl.col("item_id").is_in(clean_items(case).implode()))


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Audit companies of several seeds and count what is found, and which clean items are flagged."""
    companies = COMPANIES
    if options.points:
        companies = tuple(
            (max(50, round(n / POINTS_PER_ITEM)), 100 + at) for at, n in enumerate(options.points)
        )
    kinds, false, rows = [], [], []
    for done, (n_items, seed) in enumerate(companies):
        progress(f"{n_items:,} items, seed {seed}", done, len(companies))
        case = audited(n_items, seed)
        faults, clean, flagged = planted(case), clean_items(case), disturbed(case)
        n_flagged, share = flagged["item_id"].n_unique(), int(faults["found"].sum()) / faults.height
        kinds.append(faults.select("code", "found"))
        false.append(flagged.select("code", item=pl.format("{} {}", pl.lit(seed), "item_id")))
        rows.append(
            (n_items, seed, faults.height, 100 * share, len(clean), n_flagged,
             100 * n_flagged / len(clean), case.seconds)
        )  # fmt: skip
    names = ["items", "seed", "planted", "found %", "clean items", "flagged", "flagged %", "audit s"]
    by_kind = pl.concat(kinds).group_by("code").agg(
        planted=pl.len(), found=pl.col("found").sum(), **{"found %": 100 * pl.col("found").mean()}
    )  # fmt: skip
    by_check = pl.concat(false).group_by("code").agg(pl.col("item").n_unique().alias("clean items flagged"))
    return BenchmarkOutcome(
        "audit",
        "The audit of demo companies with mistakes planted in them",
        "plimsoll bench audit",
        machine(),
        {
            "By company": pl.DataFrame(rows, schema=names, orient="row").with_columns(
                pl.col("found %", "flagged %", "audit s").round(2)
            ),
            "By kind of mistake": by_kind.sort("code"),
            "Clean items flagged by check": by_check.sort(
                "clean items flagged", "code", descending=[True, False]
            ),
        },
        (
            "Clean items are those in no row of the truth's mistakes; flagged means a warning or an error.",
            "Before a plan, as the first `plimsoll audit` of an import.",
        ),
    )
