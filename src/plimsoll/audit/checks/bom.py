"""Checks on bills of material: cycles, components and parents that do not exist, odd quantities, real use."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from plimsoll.audit.company import Company
from plimsoll.audit.facts import costs
from plimsoll.audit.params import AuditParams
from plimsoll.audit.registry import check
from plimsoll.audit.rows import doubtful, figure
from plimsoll.maths.ragged import Ints

BOM = "bom"
ROW = ["parent_item_id", "component_item_id"]


def _lines(company: Company) -> pl.DataFrame:
    """Return the lines of the bills of material, with the parent as the item concerned."""
    return company.known[BOM].with_columns(item_id=pl.col("parent_item_id"))


def cycles(parents: Ints, components: Ints, n_items: int) -> tuple[Ints, list[list[int]]]:
    """Return for each line the number of its cycle (-1 without), and the items of one round of each.

    Lines lie on a cycle where both items are in one strongly connected component of the graph; the
    round named is a shortest one through the component's first item.

    Parameters
    ----------
    parents, components : item numbers of each line, 0 to n_items - 1
    n_items : how many items there are

    Examples
    --------
    >>> number, rounds = cycles(np.array([0, 1, 1]), np.array([1, 0, 2]), 3)
    >>> number.tolist(), rounds
    ([0, 0, -1], [[0, 1]])
    """
    graph = coo_array((np.ones(len(parents)), (parents, components)), shape=(n_items, n_items)).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    inside = label[parents] == label[components]
    labels = np.unique(label[parents[inside]])
    number = np.where(inside, np.searchsorted(labels, label[parents]), -1)
    return number, [_round(graph, np.flatnonzero(label == each)) for each in labels]


def _round(graph: Any, members: Ints) -> list[int]:
    """Return the items of a shortest round from the first member back to it, members being connected."""
    own = graph[members][:, members]
    order, before = breadth_first_order(own, 0, directed=True)
    closes = own[:, [0]].toarray().ravel() > 0
    path = [int(order[closes[order]][0])]
    while path[0]:
        path.insert(0, int(before[path[0]]))
    return [int(members[node]) for node in path]


@check(
    severity="error",
    table=BOM,
    what="{n} line<|s> of bills of material <lies|lie> on a cycle ({keys}).",
    why="An item that is made of itself has no end of needs: it and what uses it cannot be planned.",
    remedy="Take out the line that was entered the wrong way round.",
)
def bom_cycle(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines on a cycle, with the cycle named item by item."""
    lines = _lines(company).sort(ROW)
    names = pl.concat([lines[name].alias("item") for name in ROW]).unique().sort()
    place = pl.DataFrame({"item": names, "at": np.arange(len(names))})
    at = [
        lines.join(place, left_on=name, right_on="item", how="left", maintain_order="left")["at"].to_numpy()
        for name in ROW
    ]
    number, rounds = cycles(at[0], at[1], len(names))
    told = [" -> ".join(names[item] for item in [*each, each[0]]) for each in rounds]
    cycle = pl.DataFrame({"number": np.arange(len(told)), "cycle": pl.Series(told, dtype=pl.String)})
    found = lines.with_columns(number=pl.Series(number, dtype=pl.Int64)).join(
        cycle, on="number", maintain_order="left"
    )
    return doubtful(found, ROW, pl.format("on the cycle {}", "cycle"))


@check(
    severity="error",
    table=BOM,
    what="{n} line<|s> of bills of material <names|name> an item that is not in the item table ({keys}).",
    why="What is not known as an item has no stock, no supplier and no cost: it will be missing on the day.",
    remedy="Add the item, or correct the line.",
    covers=("unknown_item", "items_added"),
    part_of=("component_not_stocked",),
)
def bom_missing_component(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return lines whose component or parent is in no row of `items`."""
    items = company.given.get("items", company.known["items"].clear())["item_id"].implode()
    if not len(items[0]):
        return doubtful(_lines(company).clear(), ROW, pl.lit(""))
    component, parent = (~pl.col(name).is_in(items) for name in ("component_item_id", "parent_item_id"))
    said = pl.when(component).then(pl.format("component {} is not in items", "component_item_id")).otherwise(
        pl.format("parent {} is not in items", "parent_item_id")
    )  # fmt: skip
    return doubtful(_lines(company).filter(component | parent), ROW, said)


@check(
    severity="warning",
    table=BOM,
    what="{n} quantit<y|ies> per unit <is|are> out of line ({keys}).",
    why="Pieces typed for hundreds, or grams for kilograms, order a component by orders of magnitude wrong.",
    remedy="Correct <it|them> in the bill of material.",
    part_of=("bom_line_unusable",),
)
def bom_quantity_outlier(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return quantities of 0, or far above both the usual of their kind and its next larger ones.

    The usual is the median of the component's other lines, or else of its unit and category, or else of
    all; far is `bom_quantity_factor`, and `bom_quantity_gap` times the next below. Money is one parent's
    surplus at cost.
    """
    size = pl.col("quantity_per")
    cost = costs(company).select(component_item_id="item_id", cost="cost")
    found = _with_usual(company, params).filter(pl.col("far") | (size == 0))
    found = found.join(cost, on="component_item_id", how="left", maintain_order="left")
    words = pl.format("{} per unit where {} is usual", figure(size), figure(pl.col("usual")))
    return doubtful(found, ROW, words, money=(size - pl.col("usual")) * pl.col("cost"))


def _with_usual(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return the lines with the `usual` quantity of their kind, and whether they are `far` above it."""
    kind = company.known["items"].select(component_item_id="item_id", unit="unit", category="category")
    lines = _lines(company).join(kind, on="component_item_id", how="left", maintain_order="left")
    size = pl.col("quantity_per")
    for level, by in (("own", ["component_item_id"]), ("kind", ["unit", "category"]), ("all", [])):
        enough = pl.len() >= params.bom_least_lines
        usual = pl.when(enough).then(size.filter(size > 0).median()).otherwise(None)
        following = size.filter(size < usual * params.bom_quantity_factor).max()
        lines = lines.with_columns(
            (usual.over(by) if by else usual).alias(f"usual_{level}"),
            (following.over(by) if by else following).alias(f"next_{level}"),
        )
    usual = pl.coalesce("usual_own", "usual_kind", "usual_all")
    next_ = pl.coalesce("next_own", "next_kind", "next_all")
    far = (size >= usual * params.bom_quantity_factor) & (size >= next_ * params.bom_quantity_gap)
    return lines.with_columns(usual.alias("usual"), far.fill_null(value=False).alias("far"))


@check(
    severity="info",
    table=BOM,
    what="{n} level<|s> of bills of material <is|are> kept nowhere ({keys}).",
    why="An item that is made and used, but has no stock, lane or receipt, is a phantom or lacks its data.",
    remedy="Mark <it|them> as not stocked, or complete <its|their> data.",
)
def bom_phantom(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items that are both parent and component and occur in no table of stock or movements."""
    lines = company.known[BOM]
    both = lines.select(item_id="parent_item_id").unique().join(
        lines.select(item_id="component_item_id").unique(), on="item_id"
    )  # fmt: skip
    for name in ("stock", "stocking_points", "lanes", "receipts", "demand"):
        if name in company.given:
            both = both.join(company.given[name], on="item_id", how="anti")
    rows = both.sort("item_id")
    return doubtful(
        rows, ["item_id"], pl.lit("parent and component, but without stock, demand, lane or receipt")
    )


@check(
    severity="info",
    table=BOM,
    what="{n} item<|s> <is|are> made, but <has|have> no bill of material ({keys}).",
    why="What <it needs|they need> is ordered by nobody, or known from its issues alone.",
    remedy="Import the bill of material, or set make_or_buy to buy.",
)
def made_without_bom(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items made by us that are nobody's parent, where bills of material are known at all."""
    parents = company.known[BOM].select(item_id="parent_item_id").unique()
    made = company.known["items"].filter(pl.col("make_or_buy") == "make")
    rows = made.join(parents, on="item_id", how="anti").sort("item_id")
    return doubtful(
        rows if parents.height else rows.clear(), ["item_id"], pl.lit("made, without a bill of material")
    )


@check(
    severity="info",
    table=BOM,
    what="{n} bought item<|s> <has|have> a bill of material ({keys}).",
    why="Bought parts need no components: either it is made, or an old bill of material lives on.",
    remedy="Correct make_or_buy, or end the bill of material with valid_to.",
)
def bom_of_bought_item(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return items that are bought and yet a parent today."""
    ended = pl.col("valid_to").is_not_null() & (pl.col("valid_to") < company.as_of)
    parents = company.known[BOM].filter(~ended).group_by(item_id="parent_item_id").len()
    rows = (
        company.known["items"]
        .filter(pl.col("make_or_buy") == "buy")
        .join(parents, on="item_id")
        .sort("item_id")
    )
    lines = pl.when(pl.col("len") == 1).then(pl.lit("component")).otherwise(pl.lit("components"))
    return doubtful(rows, ["item_id"], pl.format("bought, with a bill of material of {} {}", "len", lines))


@check(
    severity="warning",
    table=BOM,
    what="{n} component<|s> <is|are> used otherwise than the bills of material say ({keys}).",
    why="Orders follow the bill of material, stock follows what is really taken.",
    remedy="Compare the quantity per unit and the scrap with what production takes.",
)
def bom_against_use(company: Company, params: AuditParams) -> pl.DataFrame:
    """Return components whose issues differ from what the parents' production receipts call for.

        expected = sum over parents of received units * quantity_per / (1 - scrap), over the last year

    flagged beyond a factor of `bom_use_factor` where both sides have `bom_least_lines` bookings or more. A
    quantity that `bom_quantity_outlier` doubts counts as the usual one: it is told there. Money is a month
    of the difference at cost.
    """
    since = company.as_of - timedelta(days=365)
    made = company.known["receipts"].filter(
        (pl.col("received_date") > since) & (pl.col("from_location_id") == pl.col("to_location_id"))
    )
    output = made.group_by(parent_item_id="item_id").agg(
        pl.col("quantity").sum().alias("made"), pl.len().alias("n_made")
    )
    quantity = pl.when("far").then("usual").otherwise("quantity_per")
    need = pl.col("made") * quantity / (1 - pl.col("scrap_rate").fill_null(0.0))
    lines = _with_usual(company, params).sort(ROW).join(output, on="parent_item_id", maintain_order="left")
    expected = lines.group_by(item_id="component_item_id").agg(
        need.sum().alias("expected"), pl.col("n_made").sum()
    )
    issues = company.known["demand"].filter((pl.col("kind") == "issue") & (pl.col("date") > since))
    used = issues.group_by("item_id").agg(pl.col("quantity").sum().alias("used"), pl.len().alias("n_used"))
    ratio = pl.col("used") / pl.col("expected")
    rows = expected.join(used, on="item_id").filter(
        pl.min_horizontal("n_made", "n_used") >= params.bom_least_lines,
        (ratio > params.bom_use_factor) | (ratio < 1 / params.bom_use_factor),
    ).join(costs(company), on="item_id", how="left").sort("item_id")  # fmt: skip
    words = pl.format(
        "{} units issued in a year where bills of material call for {}",
        figure(pl.col("used")),
        figure(pl.col("expected")),
    )
    money = (pl.col("used") - pl.col("expected")).abs() / 12 * pl.col("cost")
    return doubtful(rows, ["item_id"], words, money=money)
