"""Which override counts where: the narrowest scope wins, then the latest."""

from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from plimsoll.domain.overrides import FIELDS, NARROWNESS, SCOPE, Kind, Override
from plimsoll.domain.tables import table

KEY = ["item_id", "location_id", "from_location_id"]


def overrides_frame(overrides: Iterable[Override], *, at: datetime) -> pl.DataFrame:
    """Return overrides as the table `override`, with their status at an instant.

    Examples
    --------
    >>> noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    >>> one = Override("policy", "do_not_stock", True, "phase_out", item_id="A", id="O1", created_at=noon)
    >>> overrides_frame([one], at=noon).select("slot", "value", "value_text", "status").row(0)
    ('policy.do_not_stock', 1.0, 'true', 'in_force')
    """
    rows = []
    for each in overrides:
        row = {name: getattr(each, name) for name in ("kind", "field", "slot", *SCOPE, "start", "end")}
        row |= {name: getattr(each, name) for name in ("reason_code", "reason_text", "author", "expires_at")}
        row |= {"override_id": each.id, "status": each.status(at)}
        row |= {"withdrawn_by": each.withdrawn_by or None, "withdrawn_why": each.withdrawn_why or None}
        for name in ("created_at", "withdrawn_at"):
            moment = getattr(each, name)
            row[name] = moment.astimezone(UTC).isoformat() if moment else None
        for name in ("value", "value_old"):
            value = getattr(each, name)
            row[name] = None if isinstance(value, str) or value is None else float(value)
            row[f"{name}_text"] = str(value).lower() if isinstance(value, str | bool) else None
        rows.append(row)
    return table("override").conform(pl.DataFrame(rows, schema=table("override").schema, orient="row"))


def winners(overrides: pl.DataFrame, rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Return the overrides of a kind that count, one row a row and slot.

    An override is asked for where all parts of its scope agree. Of several for one slot the one with the
    narrowest scope counts: item before supplier before location before category, each outweighing all that
    come after it; of equally narrow ones the latest.

    Parameters
    ----------
    overrides : table `override`; rows not in force are left out
    rows : item_id, location_id, from_location_id, category of points, or of lanes with the place they
        replenish as location_id
    kind : target, lead_time, policy or forecast

    Returns
    -------
    pl.DataFrame
        KEY, override_id, kind, field, slot, value, value_text, start, end; sorted by key and slot.
    """
    asked = overrides.filter(pl.col("kind") == kind, pl.col("status") == "in_force")
    said = ["override_id", "kind", "field", "slot", "value", "value_text", "start", "end"]
    number = pl.col("override_id").str.slice(1).cast(pl.Int64, strict=False)
    # Scopes that are equally narrow and meet at a row are one and the same: there the latest counts.
    latest = asked.sort("created_at", number).unique([*SCOPE, "slot"], keep="last", maintain_order=True)
    return (
        _met(latest.select(*SCOPE, *said), rows)
        .sort(*KEY, "slot", "narrow")
        .unique([*KEY, "slot"], keep="last", maintain_order=True)
        .drop("narrow")
    )


def reach(overrides: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows each override is asked for, whether or not a narrower one counts there.

    Parameters
    ----------
    overrides : table `override`, of any status
    rows : as of `winners`

    Returns
    -------
    pl.DataFrame
        override_id, n_rows; overrides that meet no row have 0.
    """
    met = _met(overrides.select(*SCOPE, "override_id"), rows).group_by("override_id").len("n_rows")
    counted = overrides.select("override_id").join(met, on="override_id", how="left", maintain_order="left")
    return counted.with_columns(pl.col("n_rows").fill_null(0).cast(pl.Int64))


def _met(asked: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return every override beside every row in its scope, and how narrow that scope is."""
    said = [name for name in asked.columns if name not in SCOPE]
    narrow = pl.lit(0, dtype=pl.Int64).alias("narrow")
    found = [rows.select(KEY).clear().join(asked.select(said).clear(), how="cross").with_columns(narrow)]
    shapes = asked.select(pl.col(name).is_not_null() for name in SCOPE).unique().sort(SCOPE)
    for shape in shapes.rows():
        scope = [name for name, given in zip(SCOPE, shape, strict=True) if given]
        same = [pl.col(name).is_not_null() == given for name, given in zip(SCOPE, shape, strict=True)]
        mine = asked.filter(same).select(*scope, *said)
        met = rows.join(mine, on=scope) if scope else rows.join(mine, how="cross")
        weight = pl.lit(sum(NARROWNESS[name] for name in scope), dtype=pl.Int64).alias("narrow")
        found.append(met.select(*KEY, *said, weight))
    return pl.concat(found)


def values_by_field(won: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Return one row a point or lane with a column for each field of the kind; null where nobody set it.

    Texts, and yes or no as true or false, stand in columns of text.

    Parameters
    ----------
    won : as of `winners`
    """
    columns = {}
    for name in FIELDS[kind]:
        value = pl.col("value_text") if name in ("kind", "do_not_stock") else pl.col("value")
        columns[name] = value.filter(pl.col("field") == name).first()
    return won.group_by(KEY, maintain_order=True).agg(**columns)
