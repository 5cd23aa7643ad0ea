"""Names in a scenario held against the company, and which rows a scope means."""

from collections.abc import Iterable, Mapping

import polars as pl

from plimsoll.domain.errors import InputError, did_you_mean
from plimsoll.domain.scenarios import Change, Scenario

Tables = Mapping[str, pl.DataFrame]
WORDS = {
    "item": "item",
    "category": "category",
    "location": "place that keeps stock",
    "from": "supplier or place that sends",
    "customer": "customer",
    "new_from": "supplier or place",
}
NOTHING = "Nothing was run."


def check_names(scenario: Scenario, points: pl.DataFrame, known: Tables) -> None:
    """Refuse a scenario that names what the company does not have, or whose scope meets nothing.

    Parameters
    ----------
    scenario : as of `domain.scenarios.read`
    points : table `planning_point`
    known : completed facts; lanes, demand and locations are read

    Raises
    ------
    InputError : with the nearest known name
    """
    lanes = lanes_of(known["lanes"], points)
    names: dict[str, Iterable[str]] = {
        "item": points["item_id"].unique(),
        "category": points["category"].drop_nulls().unique(),
        "location": points["location_id"].unique(),
        "from": lanes["from_location_id"].unique(),
        "customer": known["demand"]["customer_id"].drop_nulls().unique(),
        "new_from": known["locations"]["location_id"].unique(),
    }
    for number, change in enumerate(scenario.changes, 1):
        given = change.scope | ({"new_from": change.new_from} if change.new_from else {})
        for part, name in given.items():
            if name not in names[part]:
                what = f"There is no {WORDS[part]} '{name[:80]}' in the plan (change {number})."
                remedy = did_you_mean(name, sorted(names[part])) or "Check the name; case counts."
                raise InputError(what, remedy=remedy, done=NOTHING)
        if not lanes.filter(within(change)).height:
            what = f"Change {number} ({change}) meets no item at any place."
            raise InputError(what, remedy="Name less in its scope.", done=NOTHING)


def lanes_of(lanes: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return every lane with the category of its item: item_id, location_id, from_location_id, category."""
    about = points.select("item_id", "category").unique("item_id", keep="first")
    named = lanes.select("item_id", "from_location_id", location_id="to_location_id")
    return named.join(about, on="item_id", how="left", maintain_order="left")


def within(change: Change, *, of: Iterable[str] = ("item", "category", "location", "from")) -> pl.Expr:
    """Return the condition that a row is in the scope of a change.

    Parameters
    ----------
    of : the parts of the scope that count; a frame has their columns item_id, category, location_id and
        from_location_id
    """
    columns = {
        "item": "item_id",
        "category": "category",
        "location": "location_id",
        "from": "from_location_id",
    }
    scope = change.scope
    conditions = [pl.col(columns[part]) == scope[part] for part in of if part in scope]
    return pl.all_horizontal([pl.col("item_id").is_not_null(), *conditions]).fill_null(value=False)
