"""The lists of the workbench as data: their order, what is searched, summed, chosen from and shown."""

from dataclasses import dataclass

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class ListSpec:
    """How a list behaves; columns that its frame lacks are passed over.

    Parameters
    ----------
    key : columns that tell rows apart
    order : its own order, as pairs of column and whether it falls
    search : columns that `q` looks into
    choices : columns whose values are few, offered for choosing with their counts
    sums : columns of money added up over the selection
    shown : columns shown unless a person chooses others
    left_out : columns of rows that are too long for a list; one line or item tells them
    """

    key: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]
    search: tuple[str, ...]
    choices: tuple[str, ...]
    sums: tuple[str, ...]
    shown: tuple[str, ...]
    left_out: tuple[str, ...] = ()


POINT = ("item_id", "location_id")
MONEY_OF_STOCK = (
    "on_hand_value", "money_at_risk", "cash_to_release", "excess_value", "slow_value", "dead_value",
    "short_value",
)  # fmt: skip
ITEM_CHOICES = (
    "location_id", "category", "abc", "xyz", "demand_class", "health", "order_status", "supply_kind",
    "from_location_id", "readiness", "planned", "policy", "criticality",
)  # fmt: skip

LISTS: dict[str, ListSpec] = {
    "recommendations": ListSpec(
        ("line_id",),
        (("line_no", False),),
        ("line_id", "item_id", "description", "to_location_id", "from_location_id", "order_id"),
        (
            "status", "kind", "abc", "confidence", "readiness", "to_location_id", "from_location_id",
            "category", "pulled_forward", "decided_by",
        ),
        ("value", "value_eff", "money_at_risk", "cost", "gain", "net"),
        (
            "item_id", "description", "to_location_id", "from_location_id", "kind", "quantity_eff", "unit",
            "value_eff", "date_eff", "money_at_risk", "confidence", "status",
        ),
        ("drivers", "reason_codes", "confidence_why", "pulled_why"),
    ),
    "items": ListSpec(
        POINT,
        (("money_at_risk", True),),
        ("item_id", "description", "location_id"),
        ITEM_CHOICES,
        MONEY_OF_STOCK,
        (
            "item_id", "description", "location_id", "abc", "demand_class", "health", "on_hand_qty",
            "position_qty", "reorder_point_qty", "order_up_to_qty", "buffer_qty", "target_service_eff",
            "cover_days", "money_at_risk", "cash_to_release",
        ),
    ),
    "cash": ListSpec(
        POINT,
        (("cash_to_release", True),),
        ("item_id", "description", "location_id"),
        ITEM_CHOICES,
        MONEY_OF_STOCK,
        (
            "item_id", "description", "location_id", "abc", "health", "on_hand_qty", "on_hand_value",
            "excess_value", "slow_value", "dead_value", "cash_to_release", "cover_days",
        ),
    ),
    "exceptions": ListSpec(
        ("exception_id",),
        (("score", True),),
        ("exception_id", "title", "subject", "sentence", "owner"),
        ("status", "kind", "subject_kind", "owner"),
        ("money_lost", "score"),
        ("title", "kind", "money_lost", "action", "owner", "due", "status"),
    ),
    "changes": ListSpec(
        POINT,
        (("change_size_value", True),),
        ("item_id", "description", "location_id", "sentence"),
        ("main_cause", "location_id", "category", "abc"),
        ("change_value", "order_change_value"),
        ("item_id", "location_id", "main_cause", "level_before_qty", "level_qty", "change_value", "sentence"),
    ),
    "suppliers": ListSpec(
        ("from_location_id", "supply_kind"),
        (("rank", False), ("spend_value", True)),
        ("from_location_id",),
        ("supply_kind", "judged_by"),
        ("spend_value", "buffer_value", "buffer_lead_time_value", "one_day_less_value"),
        (
            "from_location_id", "supply_kind", "n_orders", "spend_value", "lead_days_mean", "lead_days_p90",
            "kept_share", "lateness_days_mean", "trend_days", "buffer_lead_time_value",
        ),
    ),
    "lanes": ListSpec(
        ("from_location_id", "to_location_id", "supply_kind"),
        (("spend_value", True),),
        ("from_location_id", "to_location_id"),
        ("supply_kind", "judged_by", "to_location_id"),
        ("spend_value", "buffer_value", "buffer_lead_time_value", "one_day_less_value"),
        (
            "from_location_id", "to_location_id", "n_orders", "spend_value", "lead_days_mean",
            "lead_days_p90", "kept_share", "lateness_days_mean", "buffer_lead_time_value",
        ),
    ),
    "orders": ListSpec(
        ("order_id", "line", "item_id", "to_location_id"),
        (("expected_shortage_value", True), ("overdue_days", True)),
        ("order_id", "item_id", "description", "to_location_id", "from_location_id"),
        ("action", "kind", "to_location_id", "from_location_id", "category"),
        ("order_value", "expected_shortage_value"),
        (
            "order_id", "line", "item_id", "to_location_id", "from_location_id", "due_date", "overdue_days",
            "quantity", "order_value", "arrival_median_date", "expected_shortage_value", "action",
        ),
    ),
    "network": ListSpec(
        POINT,
        (("network_id", False), ("depth", True)),
        ("item_id", "description", "location_id"),
        ("location_id", "supply_kind", "category", "may_hold", "refused_reason"),
        (),
        (
            "item_id", "description", "location_id", "network_id", "depth", "n_upstream", "n_downstream",
            "stage_days", "cumulative_days", "mean_per_day", "added_cost",
        ),
    ),
    "networks": ListSpec(
        ("item_id",),
        (("on_hand_network_value", True),),
        ("item_id", "description"),
        ("category", "n_levels"),
        ("on_hand_value", "on_hand_alone_value", "on_hand_network_value", "saved_value", "money_at_risk"),
        (
            "item_id", "description", "n_places", "n_levels", "on_hand_value", "on_hand_alone_value",
            "on_hand_network_value", "saved_value", "wait_days_est", "money_at_risk",
        ),
    ),
    "findings": ListSpec(
        ("code", "table"),
        (("money_at_risk", True), ("severity_rank", False)),
        ("code", "table", "what", "keys"),
        ("severity", "table", "code"),
        ("money_at_risk",),
        ("severity", "what", "n_rows", "money_at_risk", "remedy"),
    ),
    "audit_rows": ListSpec(
        ("code", "table", "key"),
        (("money_at_risk", True),),
        ("code", "key", "item_id", "location_id", "detail"),
        ("code", "severity", "table", "location_id", "category", "repair"),
        ("money_at_risk",),
        ("severity", "code", "item_id", "location_id", "detail", "money_at_risk", "repair"),
    ),
    "runs": ListSpec(
        ("run_id",),
        (("created_at", True),),
        ("run_id", "kind"),
        ("kind", "status"),
        (),
        ("run_id", "kind", "as_of", "created_at", "status", "version", "seed"),
    ),
    "decisions": ListSpec(
        ("line_id",),
        (("decided_at", True),),
        ("line_id", "item_id", "description", "to_location_id", "from_location_id", "reason_text"),
        ("status", "kind", "decided_by", "reason_code", "run_id", "to_location_id", "batch_id", "category"),
        ("value", "value_eff"),
        (
            "line_id", "item_id", "to_location_id", "kind", "quantity", "quantity_eff", "date_eff", "status",
            "reason_code", "reason_text", "decided_by", "decided_at",
        ),
    ),
    "overrides": ListSpec(
        ("override_id",),
        (("created_at", True),),
        ("override_id", "item_id", "location_id", "from_location_id", "category", "reason_text"),
        ("status", "kind", "field", "reason_code", "author"),
        (),
        (
            "kind", "field", "item_id", "location_id", "from_location_id", "category", "value_old", "value",
            "value_text", "reason_code", "reason_text", "author", "created_at", "expires_at", "status",
        ),
    ),
    "exports": ListSpec(
        ("batch_id",),
        (("created_at", True),),
        ("batch_id", "created_by"),
        ("created_by", "pending"),
        ("value",),
        ("batch_id", "created_at", "created_by", "n_lines", "value", "pending", "channels"),
    ),
    "jobs": ListSpec(
        ("job_id",),
        (("created_at", True),),
        ("kind", "started_by"),
        ("kind", "status", "started_by"),
        (),
        ("job_id", "kind", "status", "step", "started_by", "created_at", "ended_at", "run_id"),
    ),
    "audit": ListSpec(
        ("seq",),
        (("seq", True),),
        (),
        ("action", "object_type", "actor"),
        (),
        ("seq", "at", "actor", "action", "object_type", "object_id", "old", "new"),
    ),
}  # fmt: skip


def list_spec(name: str) -> ListSpec:
    """Return how a list behaves; an unknown name is refused with the nearest known one."""
    if name not in LISTS:
        what = f"There is no list '{name[:60]}'."
        raise Unknown(what, remedy=did_you_mean(name[:60], LISTS) or f"Lists: {', '.join(LISTS)}.")
    return LISTS[name]
