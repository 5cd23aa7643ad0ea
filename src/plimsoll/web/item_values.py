"""What people can set at a stocking point: each value as computed, set and in force, and who set it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import polars as pl

from plimsoll.domain.decisions import REASONS
from plimsoll.domain.desk_result import ItemView, Row
from plimsoll.domain.overrides import FIELDS, NARROWNESS, SCOPE
from plimsoll.present.labels import label
from plimsoll.present.numbers import DASH, percent, quantity
from plimsoll.web.contexts.items import Choice, ValueRow

PAGE_SET, PAGE_CLEAR = "/items/set", "/items/clear"
# kind.field -> table of the view, columns of what was computed, set by the data, and in force
VALUES: dict[str, tuple[str, str, str, str]] = {
    "target.service": ("target", "target_service_opt", "target_service_set", "target_service_eff"),
    "target.kind": ("target", "", "", "target_kind_eff"),
    "forecast.per_week": ("demand_estimate", "mean_per_day_opt", "mean_per_day_set", "mean_per_day_est"),
    "lead_time.days": ("lane", "mean_days_opt", "mean_days_set", "mean_days_est"),
    "policy.reorder_point": ("policy", "reorder_point_opt_qty", "reorder_point_set_qty", "reorder_point_qty"),
    "policy.order_up_to": ("policy", "order_up_to_opt_qty", "order_up_to_set_qty", "order_up_to_qty"),
    "policy.lot": ("policy", "economic_lot_qty", "", "lot_qty"),
    "policy.review_days": ("planning_point", "", "", "review_days_eff"),
    "policy.min_order": ("planning_point", "", "", "min_order_qty_eff"),
    "policy.order_multiple": ("planning_point", "", "", "order_multiple_eff"),
    "policy.do_not_stock": ("planning_point", "", "", "left_out_reason"),
}
NAMES = {
    "target.kind": "Kind of target", "forecast.per_week": "Expected demand", "lead_time.days": "Lead time",
    "policy.do_not_stock": "Stocked",
}  # fmt: skip
WEEK = 7.0
GIVEN = ("policy.review_days", "policy.min_order", "policy.order_multiple")  # by the data, not computed
PER = ("forecast.per_day", "forecast.per_month")
REACHES = {
    "point": "{item} at {place}",
    "item": "{item} at all its places",
    "category": "All of {category} at {place}",
    "supplier": "All from {source} to {place}",
}


def choices() -> tuple[Choice, ...]:
    """Return all values that can be set, in the order of the page."""
    codes = [*VALUES, *(f"{kind}.{name}" for kind, names in FIELDS.items() for name in names)]
    return tuple(Choice(code, _name(code), _unit(code, "")) for code in dict.fromkeys(codes))


def reaches(view: ItemView) -> tuple[tuple[str, str], ...]:
    """Return how far a value set at this point may reach, in words; what the point lacks is left out."""
    known = {
        "item": view.item_id,
        "place": view.location_id,
        "category": view.point.get("category") or "",
        "source": view.point.get("from_location_id") or "",
    }
    needs = {"category": "category", "supplier": "source"}
    return tuple(
        (code, words.format(**known))
        for code, words in REACHES.items()
        if code not in needs or known[needs[code]]
    )


def scope(view: ItemView, code: str, kind: str) -> dict[str, str | None]:
    """Return the scope that a reach stands for; of a lead time also the source, since lanes have one."""
    source = view.point.get("from_location_id") if kind == "lead_time" else None
    if code == "category":
        return {"category": view.point.get("category"), "location_id": view.location_id}
    if code == "supplier":
        return {"from_location_id": view.point.get("from_location_id"), "location_id": view.location_id}
    place = view.location_id if code == "point" else None
    return {"item_id": view.item_id, "location_id": place, "from_location_id": source if place else None}


def reasons() -> tuple[tuple[str, str], ...]:
    """Return why people set values: code and words."""
    return tuple(REASONS.items())


def value_rows(view: ItemView, standing: pl.DataFrame, back: str, *, can_set: bool) -> tuple[ValueRow, ...]:
    """Return the values of a point as computed, set and in force.

    Parameters
    ----------
    view : what the plan knows
    standing : overrides in force now, of the desk's list; also those that the plan does not know yet
    back : address of the page
    can_set : whether the person may set and clear them
    """
    known = _Known(
        {_slot(row["kind"], row["field"]): row for row in view.lists.get("override_effect", ())},
        _winners(view, standing),
        {row["override_id"]: row for row in standing.to_dicts()},
    )
    return tuple(_row(view, code, known, back, can_set=can_set) for code in VALUES)


def current(view: ItemView, code: str) -> str:
    """Return a value in force as text, with its unit."""
    return _shown(code, _of(view, code)[2], view.point.get("unit"))


def said(row: Row, unit: str | None = None) -> str:
    """Return what an override sets, as text with its unit."""
    code = f"{row['kind']}.{row['field']}"
    value = row["value"] if row["value"] is not None else row["value_text"]
    return f"{_name(code)}: {_as_set(code, value, unit)}"


def reach_words(row: Row) -> str:
    """Return what an override reaches, in words."""
    words = {"item_id": "", "location_id": "at ", "from_location_id": "from ", "category": "all of "}
    parts = [
        words[name] + row[name]
        for name in ("category", "item_id", "location_id", "from_location_id")
        if row[name]
    ]
    return " ".join(parts) or "everything"


def _row(view: ItemView, code: str, known: "_Known", back: str, *, can_set: bool) -> ValueRow:
    unit, kind = view.point.get("unit"), code.partition(".")[0]
    computed, by_data, in_force = _of(view, code)
    effect, winner, counts = known.of(code)
    shown_set, news = DASH, ""
    if effect:
        shown_set = _as_set(f"{kind}.{effect['field']}", _either(effect, "set"), unit)
        opt = _either(effect, "opt")
        computed = computed if opt is None else opt
        news = "" if counts else "No longer set; the next plan computes it"
    elif by_data is not None:
        shown_set = _shown(code, by_data, unit)
    elif code in GIVEN:
        computed = in_force
    is_new = winner is not None and (effect is None or effect["override_id"] != winner["override_id"])
    if winner and is_new:
        value = winner["value"] if winner["value"] is not None else winner["value_text"]
        shown_set, news = _as_set(f"{kind}.{winner['field']}", value, unit), "From the next plan on"
    shown = winner if is_new else counts
    given = {"item_id": view.item_id, "location_id": view.location_id, "what": code}
    cleared = (
        shown
        and shown.get("is_yours", True)
        and f"{PAGE_CLEAR}?{urlencode({'override_id': shown['override_id'], 'back': back})}"
    )
    return ValueRow(
        name=_name(code),
        unit=_unit(code, unit),
        computed=_shown(code, computed, unit),
        set=shown_set,
        effective=_shown(code, in_force, unit),
        is_set=bool(effect) or by_data is not None,
        who=shown["author"] if shown else "" if by_data is None or effect else "the item master",
        why=_why(shown) if shown else "",
        until=_until(shown) if shown else "",
        news=news,
        change=f"{PAGE_SET}?{urlencode(given)}" if can_set else "",
        clear=cleared or "" if can_set else "",
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What people set at a point: as the plan knows it, as it will count, and each override by id."""

    effects: Mapping[str, Row]
    winners: Mapping[str, Row]
    standing: Mapping[str, Row]

    def of(self, code: str) -> tuple[Row | None, Row | None, Row | None]:
        """Return for a value: the plan's row, the override that will count, and the one behind the plan's."""
        slot = _slot(*code.split("."))
        effect = self.effects.get(slot)
        return effect, self.winners.get(slot), self.standing.get(effect["override_id"]) if effect else None


def _either(effect: Row, name: str) -> object:
    return effect[f"value_{name}"] if effect[f"value_{name}"] is not None else effect[f"text_{name}"]


def _why(override: Row) -> str:
    words = (REASONS.get(override["reason_code"], ""), override["reason_text"] or "")
    return ". ".join(text for text in words if text)


def _until(override: Row) -> str:
    return f"until {override['expires_at']}" if override["expires_at"] else "until it is cleared"


def _of(view: ItemView, code: str) -> tuple[object, object, object]:
    """Return a value of the plan: computed, given by the data, in force."""
    table, *names = VALUES[code]
    source = view.point.get("from_location_id")
    lanes = view.lists.get("lead_time_estimate", ())
    row: Row = view.rows.get(table, {})
    if table == "lane":
        row = next((lane for lane in lanes if lane["from_location_id"] == source), {})
    computed, by_data, in_force = (row.get(name) if name else None for name in names)
    return computed, by_data, in_force


def _winners(view: ItemView, standing: pl.DataFrame) -> dict[str, Row]:
    """Return the override that will count for each slot here: the narrowest, then the latest."""
    if standing.is_empty():
        return {}
    here = {
        "item_id": view.item_id,
        "location_id": view.location_id,
        "from_location_id": view.point.get("from_location_id"),
        "category": view.point.get("category"),
    }
    met = standing.filter(
        pl.all_horizontal(
            pl.col(name).is_null()
            | (pl.col(name).cast(pl.String) == pl.lit(here[name], pl.String)).fill_null(value=False)
            for name in SCOPE
        )
    )
    narrow = pl.sum_horizontal(pl.col(name).is_not_null() * weight for name, weight in NARROWNESS.items())
    rows = met.with_columns(narrow=narrow).sort("narrow", "created_at").to_dicts()
    return {row["slot"]: row for row in rows}


def _slot(kind: str, field: str) -> str:
    return f"{kind}.{FIELDS[kind][field].slot}"  # type: ignore[index]


def _name(code: str) -> str:
    return NAMES.get(code) or label("override_field", code.partition(".")[2])


def _unit(code: str, unit: str | None) -> str:
    kind, _, field = code.partition(".")
    own = FIELDS[kind][field].unit  # type: ignore[index]
    if code == "target.service":
        return "%"
    return own.replace("units", unit) if unit else own


def _shown(code: str, value: object, unit: str | None) -> str:
    """Return a value of the plan as text; a rate of demand is shown by week."""
    if code == "policy.do_not_stock":
        return "no" if value in ("do_not_stock", "true", True) else "yes"
    if value is None:
        return DASH
    if isinstance(value, str):
        return label("target", value)
    number = float(value)  # type: ignore[arg-type]
    if code == "target.service":
        return percent(number)
    if code.startswith("forecast."):
        return quantity(number * WEEK)
    return quantity(number)


def _as_set(code: str, value: object, unit: str | None) -> str:
    """Return a value as a person set it, in its own unit."""
    if code == "policy.do_not_stock":
        return "no" if str(value).lower() in ("true", "1.0", "1") else "yes"
    if value is None or isinstance(value, str):
        return label("target", value) if value else DASH
    number = float(value)  # type: ignore[arg-type]
    if code == "target.service":
        return percent(number)
    if code == "forecast.factor":
        return f"× {quantity(number)}"
    per = _unit(code, unit).removeprefix(unit or "units").strip() if code in PER else ""
    return f"{quantity(number)} {per}".rstrip()
