"""What a person of limited scope sees of lists whose rows belong to no single place or category."""

import polars as pl

from plimsoll.domain.overridden import KEY, reach
from plimsoll.domain.people import Person, scoped
from plimsoll.workflows.desk_snapshot import Snapshot

FINDING = ["code", "table"]
SHOWN_KEYS = 5


def is_limited(who: Person) -> bool:
    """Return whether a person sees only a part of the company."""
    return who.locations is not None or who.categories is not None


def overrides_seen(found: pl.DataFrame, shot: Snapshot, who: Person) -> pl.DataFrame:
    """Return the overrides that reach rows in scope; `is_yours` where they reach no others.

    One set for a supplier, a category or everything acts on what the person plans, so that it is shown;
    only who sees all that it reaches may take it back.
    """
    if not is_limited(who):
        return found.with_columns(is_yours=pl.lit(value=True))
    points = shot.points.select(pl.col(*KEY, "category").cast(pl.String))
    ways = shot.tables["lead_time_estimate"].frame.rename({"to_location_id": "location_id"})
    categories = points.select("item_id", "category").unique("item_id")
    lanes = ways.select(pl.col(KEY).cast(pl.String)).join(categories, on="item_id", how="left")
    is_lead = pl.col("kind") == "lead_time"
    parts = []
    for asked, rows in ((found.filter(is_lead), lanes), (found.filter(~is_lead), points)):
        mine = reach(asked, scoped(rows, who)).rename({"n_rows": "n_mine"})
        parts.append(mine.join(reach(asked, rows), on="override_id"))
    counted = found.join(pl.concat(parts), on="override_id", how="left", maintain_order="left")
    seen = counted.filter(pl.col("n_mine") > 0)
    return seen.with_columns(is_yours=pl.col("n_mine") == pl.col("n_rows")).drop("n_mine", "n_rows")


def scores_seen(name: str, shot: Snapshot, who: Person) -> pl.DataFrame:
    """Return the suppliers, or lanes, that replenish points in scope.

    Without money where it is also that of points out of scope: a lane's is the person's own unless only
    some categories are in scope.
    """
    scores = shot.lists[name].frame
    if name == "lanes" and who.categories is None:
        return scoped(scores, who)
    ends = ["from_location_id", "to_location_id"] if name == "lanes" else ["from_location_id"]
    mine = scoped(shot.points, who).rename({"location_id": "to_location_id"})
    seen = scores.with_columns(pl.col(ends).cast(pl.String)).join(
        mine.select(pl.col(ends).cast(pl.String)), on=ends, how="semi", maintain_order="left"
    )
    money = [column for column in scores.columns if column.endswith("_value")]
    return seen.with_columns(pl.lit(None, pl.Float64).alias(column) for column in money)


def findings_seen(shot: Snapshot, who: Person) -> pl.DataFrame:
    """Return the findings with rows in scope, counted and valued by these, and those of the data as a whole.

    The sentence of a finding names rows of others, so that it is said anew; what is found of the data as a
    whole has no money here, since all of it would be others' too.
    """
    found = shot.lists["findings"].frame.with_columns(pl.col(*FINDING, "what", "keys").cast(pl.String))
    rows = shot.lists["audit_rows"].frame.with_columns(pl.col(*FINDING, "key").cast(pl.String))
    mine = scoped(rows, who).group_by(FINDING).agg(
        n_mine=pl.len().cast(pl.Int64),
        money_mine=pl.col("money_at_risk").sum(),
        keys_mine=pl.col("key").head(SHOWN_KEYS).str.join(", "),
    )  # fmt: skip
    is_whole = pl.all_horizontal(pl.col("item_id", "location_id", "money_at_risk").is_null())
    whole = rows.group_by(FINDING).agg(is_whole=is_whole.all())
    joined = found.join(mine, on=FINDING, how="left", maintain_order="left").join(
        whole, on=FINDING, how="left", maintain_order="left"
    )
    is_mine = pl.col("n_mine").is_not_null()
    no_rows = pl.col("keys").fill_null("") == ""
    seen = joined.filter(is_mine | pl.col("is_whole").fill_null(no_rows))
    title = pl.col("code").str.replace_all("_", " ")
    said = pl.format(
        "{}: {} of your rows", title.str.head(1).str.to_uppercase() + title.str.slice(1), "n_mine"
    )
    return seen.with_columns(
        what=pl.when(is_mine).then(said).otherwise(pl.col("what")),
        n_rows=pl.coalesce("n_mine", "n_rows"),
        money_at_risk=pl.when(is_mine & pl.col("money_at_risk").is_not_null()).then(pl.col("money_mine")),
        keys=pl.when(is_mine).then(pl.col("keys_mine")).otherwise(pl.col("keys")),
    ).drop("n_mine", "money_mine", "keys_mine", "is_whole")
