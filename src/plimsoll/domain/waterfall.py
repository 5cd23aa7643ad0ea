"""The steps of two waterfalls: how a level comes about, and how today's order follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass

# code -> label and meaning; in the order in which they add up
LEVEL_STEPS: Mapping[str, tuple[str, str]] = {
    "lead_demand": ("Demand over the lead time", "what history leads to expect until an order arrives"),
    "review_demand": ("Demand until the next review", "what history leads to expect between two reviews"),
    "set_forecast": ("Forecast set by people", "what people's forecasts add to it, here or further down"),
    "known_demand": ("Known demand", "events to come and orders on the books"),
    "demand_variability": ("Demand varies", "buffer against demand above the expected"),
    "lead_time_variability": ("Lead time varies", "buffer against late arrival"),
    "lot_review": ("Review and lot", "buffer between reviews, less what a lot protects itself; rounding"),
    "network": ("Network", "what places connected with it change"),
    "lot": ("Lot", "what is ordered at a time above the reorder point"),
    "not_held": ("Not held", "nothing is held, so that the expected demand is not covered"),
    "override": ("Level set by a person", "the level set less the level sized for the target"),
    "cap": ("Limit", "what the end of the item or of its supply takes away"),
}
ORDER_STEPS: Mapping[str, tuple[str, str]] = {
    "level": ("Order-up-to level", "the level in force"),
    "projection": ("Projected stock", "what today's projection of stock changes where demand is lost"),
    "on_hand": ("On the shelf", "stock counted, less what moves away today"),
    "on_order": ("On order", "orders under way"),
    "moved_in": ("Moved here today", "stock that today's moves bring"),
    "owed": ("Owed", "backlog and allocations"),
    "called": ("Called for today", "what today's orders of other places and productions take from here"),
    "not_due": ("Not due", "the reorder point is not reached, or nothing may be ordered any more"),
    "lot": ("Whole lots", "up or down to the whole lots that lift the position above the reorder point"),
    "cap": ("Limit", "what the end of the item or of its supply takes away, or a last buy changes"),
    "minimum": ("Minimum order", "up to the smallest order"),
    "multiple": ("Multiple", "up to whole units or packs"),
    "pulled": ("Pulled forward", "ordered early to fill a supplier's minimum or container"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall: its code, its words, what it adds and what it is worth."""

    code: str
    label: str
    meaning: str
    qty: float
    value: float
