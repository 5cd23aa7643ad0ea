"""Master rows that name no place, given to the places where their item is asked for or kept."""

import polars as pl

from plimsoll.domain.findings import Finding
from plimsoll.ingest.messages import finding
from plimsoll.ingest.params import IngestParams

Tables = dict[str, pl.DataFrame]
PLACE = {
    "demand": "location_id",
    "stock": "location_id",
    "receipts": "to_location_id",
    "open_orders": "to_location_id",
    "availability": "location_id",
    "stocking_points": "location_id",
    "lanes": "to_location_id",
}
MASTERS = ("stocking_points", "lanes")


def spread(tables: Tables, params: IngestParams) -> tuple[Tables, list[Finding]]:
    """Return the tables with rows at the default location moved to where their items are.

    The default location stands for "no place was named". While anything other than a master is
    there, or nothing is anywhere else, it is a place like any other. Otherwise, with one other place,
    every row moves there; with several, stocking points and lanes are repeated at each place of
    their item, or moved to the place with most items when the item is nowhere.
    """
    home = params.default_location
    if not any((tables[name][PLACE[name]] == home).any() for name in PLACE):
        return tables, []
    away = pl.concat(
        tables[name].select("item_id", place=column).filter(pl.col("place") != home)
        for name, column in PLACE.items()
    ).unique()
    moved = [name for name in PLACE if bool((tables[name][PLACE[name]] == home).any())]
    several = away["place"].n_unique() > 1
    if away.is_empty() or (several and not set(moved) <= set(MASTERS)):
        return tables, []
    largest = away["place"].mode().sort()[0]
    result, findings = dict(tables), []
    for name in moved:
        column, frame = PLACE[name], tables[name]
        at_home = pl.col(column) == home
        rows = frame.filter(at_home)
        if several:
            rows = rows.join(away, on="item_id", how="left", maintain_order="left")
            rows = rows.with_columns(pl.col("place").fill_null(largest).alias(column)).select(frame.columns)
        else:
            rows = rows.with_columns(pl.lit(largest).alias(column))
        stay = frame.filter(~at_home)
        if name in MASTERS:
            key = ["item_id", column] + (["from_location_id"] if name == "lanes" else [])
            rows = rows.join(stay, on=key, how="anti", maintain_order="left")
        result[name] = pl.concat([stay, rows])
        findings.append(finding("location_spread", name, frame.height - stay.height, home))
    return result, findings
