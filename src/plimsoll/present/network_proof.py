"""The proof of the network: promised beside simulated, and one network beside each place alone."""

from dataclasses import dataclass

import polars as pl

from plimsoll.domain.network_result import NetworkResult
from plimsoll.present.network_words import kind_order, place_words, signed
from plimsoll.present.numbers import DASH, count, money, percent, quantity

TOP_POINTS, TOP_ITEMS = 10, 5


@dataclass(frozen=True, slots=True)
class Promise:
    """Promised against simulated service and stock of an echelon or a point."""

    name: str
    points: str
    promised: str
    simulated: str
    difference: str
    stock_promised: str
    stock_simulated: str


@dataclass(frozen=True, slots=True)
class Compared:
    """An echelon alone and as one network, both simulated, served equally as a whole."""

    name: str
    points: str
    fill_alone: str
    fill_network: str
    alone: str
    network: str
    change: str


def _difference(points: float | None, error: float | None) -> str:
    """Return a difference in points of 100 with two standard errors."""
    if points is None:
        return DASH
    return f"{points:+.1f}" + (f" ± {200 * error:.1f}" if error is not None else "")


def promises(result: NetworkResult) -> list[Promise]:
    """Return promised beside simulated service and stock of each echelon."""
    out = []
    found = result["network_echelon"].sort(kind_order("echelon"), "echelon", pl.col("feeds").not_())
    for row in found.to_dicts():
        kind = "own" if row["fill_own_sim"] is not None else "all"
        out.append(
            Promise(
                place_words(row["echelon"], feeds=row["feeds"]),
                f"{row['points']:,}",
                percent(row[f"fill_{kind}_est"]),
                percent(row[f"fill_{kind}_sim"]),
                _difference(row["gap_points"], row[f"fill_{kind}_error"]),
                money(row["on_hand_est_value"], result.currency),
                money(row["on_hand_sim_value"], result.currency),
            )
        )
    return out


def missing_most(checked: pl.DataFrame, top: int = TOP_POINTS) -> pl.DataFrame:
    """Return the rows of `network_check` that miss their promise by most units at cost, beyond noise."""
    asked = (pl.col("own_qty_per_day") + pl.col("passed_qty_per_day")) * pl.col("unit_cost_eff")
    missed = (pl.col("fill_rate_est") - pl.col("fill_rate_all_sim")) * asked
    return (
        checked.filter(~pl.col("is_within_noise"))
        .with_columns(missed_value_per_day=missed)
        .filter(pl.col("missed_value_per_day") > 0)
        .sort("missed_value_per_day", descending=True, maintain_order=True)
        .head(top)
    )


def worst(result: NetworkResult) -> list[Promise]:
    """Return the points of `missing_most` as text."""
    return [
        Promise(
            f"{row['item_id']} @ {row['location_id']}",
            "1",
            percent(row["fill_rate_est"]),
            percent(row["fill_rate_all_sim"]),
            _difference(
                100.0 * (row["fill_rate_all_sim"] - row["fill_rate_est"]), row["fill_rate_all_error"]
            ),
            quantity(row["on_hand_est"]),
            quantity(row["on_hand_sim"]),
        )
        for row in missing_most(result["network_check"]).to_dicts()
    ]


def proof_sentences(result: NetworkResult) -> list[str]:
    """Return whether the promise holds in simulation, over all customers and point by point."""
    rows = result["network_echelon"].drop_nulls("fill_own_sim")
    checked = result["network_check"]
    if rows.is_empty() or checked.is_empty():
        return []
    own = checked.drop_nulls("fill_rate_own_sim")
    units = own["own_qty_per_day"].to_numpy()
    promised, came = (
        float(own[name].to_numpy() @ units / units.sum()) for name in ("fill_rate_est", "fill_rate_own_sim")
    )
    widest = rows.sort(pl.col("gap_points").abs(), descending=True).row(0, named=True)
    known = checked.drop_nulls("is_within_noise")
    inside = float(known["is_within_noise"].sum()) / max(known.height, 1)
    unseen = result["network_service"].height - checked.filter(pl.col("depth") >= 0).height
    ends = f" {count(unseen, 'point')} of items that end {'was' if unseen == 1 else 'were'} not simulated."
    where = place_words(widest["echelon"], feeds=widest["feeds"])
    gap = _difference(widest["gap_points"], widest["fill_own_error"])
    return [
        f"Of all that customers ask for, {percent(promised)} was promised from stock and {percent(came)} "
        f"came in the simulation: {100 * (came - promised):+.1f} points. The widest gap of an echelon is "
        f"{gap} points ({where}, {count(widest['points'], 'point')}).",
        f"At {percent(inside, 0)} of {count(known.height, 'point')} the promise lies within three standard "
        f"errors of what came.{ends if unseen > 0 else ''}",
    ]


def compared(result: NetworkResult) -> list[Compared]:
    """Return stock and service of each echelon, alone and as one network, the sum last."""
    found = result["network_comparison"]
    rows = found.sort(
        kind_order("echelon"), "echelon", pl.col("feeds").not_(), maintain_order=True
    ).to_dicts()
    return [
        Compared(
            place_words(row["echelon"], feeds=row["feeds"]),
            f"{row['n_points']:,}",
            percent(row["fill_alone_sim"]),
            percent(row["fill_network_sim"]),
            money(row["on_hand_alone_value"], result.currency),
            money(row["on_hand_network_value"], result.currency),
            signed(row["difference_value"], result.currency),
        )
        for row in rows
    ]


def comparison_sentences(result: NetworkResult, top: int = TOP_ITEMS) -> list[str]:
    """Return what one network saves at the same simulated service, how it spreads, and where stock moved."""
    rows = result["network_comparison"].filter(echelon="all")
    if rows.is_empty():
        return []
    row = rows.row(0, named=True)
    share = dict(result["network_saving"].iter_rows())
    low, high = (percent(share.get(f"all, {end}"), 0) for end in ("low", "high"))
    saved = -row["difference_value"]
    said = [
        f"Simulated on the same demand and lead times, and with customers served alike "
        f"({percent(row['fill_network_sim'])} of units at cost as one network, "
        f"{percent(row['fill_alone_sim'])} alone), "
        f"one network holds {money(row['on_hand_network_value'], result.currency)} where each place alone "
        f"holds {money(row['on_hand_alone_value'], result.currency)}: {money(abs(saved), result.currency)} "
        f"or {percent(abs(saved) / row['on_hand_alone_value'], 0)} {'less' if saved >= 0 else 'more'} "
        f"(95 % interval {low} to {high}, networks drawn anew)."
    ]
    if (middle := share.get("quantile 50%")) is not None:
        ends = " and ".join(percent(share[f"quantile {q}%"], 0) for q in (5, 95))
        said.append(
            f"Over the networks the saving is {percent(middle, 0)} at the median; 90 % of them lie "
            f"between {ends}."
        )
    moved = result["network_moved"].filter(echelon="all").sort("change_value", "item_id").head(top)
    if moved.height:
        most = ", ".join(
            f"{item} {signed(value, result.currency)}"
            for item, value in moved.select("item_id", "change_value").rows()
        )
        said.append(f"Most of it at {most}.")
    return said


def next_steps(result: NetworkResult) -> str:
    """Return which command adds what is missing."""
    folder = result.workspace
    lacks = [
        (f"`plimsoll network {folder} --check` simulates whether the promise holds", "network_check"),
        (
            f"`plimsoll network {folder} --compare` compares with each place alone at the same simulated "
            "service",
            "network_comparison",
        ),
    ]
    said = (
        [words for words, name in lacks if result[name].is_empty()]
        if result["network_service"].height
        else []
    )
    return "; ".join(said) + "." if said else ""
