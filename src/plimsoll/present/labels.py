"""Words for codes by topic, the same on every screen; a code without a label is shown as it is."""

from plimsoll.domain.reasons import UNKNOWN_SOURCE
from plimsoll.present.numbers import DASH

LABELS: dict[str, dict[str, str]] = {
    "override": {
        "target": "Target",
        "lead_time": "Lead time",
        "policy": "Policy",
        "forecast": "Forecast",
    },
    "override_field": {
        "service": "Service target",
        "kind": "Kind of target",
        "days": "Mean lead time, days",
        "reorder_point": "Reorder point",
        "order_up_to": "Order-up-to level",
        "lot": "Lot",
        "review_days": "Days between reviews",
        "min_order": "Minimum order",
        "order_multiple": "Order multiple",
        "do_not_stock": "Do not stock",
        "per_day": "Demand a day",
        "per_week": "Demand a week",
        "per_month": "Demand a month",
        "factor": "Factor on demand",
    },
    "override_status": {
        "in_force": "In force",
        "later": "Later",
        "expired": "Expired",
        "withdrawn": "Withdrawn",
    },
    "stock": {
        "healthy": "Healthy",
        "excess": "Excess",
        "slow": "Slow",
        "dead": "Dead",
        "short": "Short",
        "empty": "Empty, nothing missing",
    },
    "exception": {
        "stockout": "Runs out",
        "late_supply": "Late supply",
        "demand_change": "Demand changed",
        "lead_time_change": "Lead time changed",
        "excess": "Too much on order",
        "policy_jump": "Level jumped",
        "data_fault": "Doubtful data",
        "outside_limits": "Order out of proportion",
    },
    "route": {
        "none": "nothing to do",
        "bleed_off": "bleeds off",
        "transfer": "transfer",
        "return": "return to supplier",
        "discount": "discount",
        "scrap": "scrap",
        "stays": "stays",
    },
    "release_rule": {
        "none": "nothing stranded",
        "move_today": "the plan moves it today",
        "life_cycle": "its demand may be over",
        "demand_suffices": "demand uses it up in time",
        "no_demand": "no demand expected",
        "cheaper_than_keeping": "a discount costs less than keeping it",
        "keeping_is_cheaper": "keeping costs less than a discount",
    },
    "corner": {"kill": "to kill", "refill": "to refill"},
    "maturity": {
        "data": "Data",
        "demand": "Demand",
        "supply": "Supply",
        "policy": "Policy",
        "execution": "Execution",
        "measurement": "Measurement",
    },
    "next_step": {
        "data": "Mend the data that the audit names",
        "demand": "Check the forecasts on the past",
        "supply": "Replace typed lead times by measured ones",
        "policy": "Follow the release plan, and take over the plan's reorder points",
        "execution": "Chase what is past its due date",
        "measurement": "Measure what is promised",
    },
    "step_money": {
        "data": "of stock is planned on data that cannot be trusted alone",
        "demand": "of stock rests on forecasts that were never tried",
        "supply": "of safety stock covers lead times that nobody measured right",
        "policy": "is stranded or missing where settings are off",
        "execution": "on order is late",
        "measurement": "of expected shortage has no proof against it",
    },
    "stock_cause": {
        "from": "before",
        "lead_time": "lead time",
        "lot": "lot and review",
        "to": "after",
    },
    "level_cause": {"lead_time": "lead time", "lot_review": "lot and review"},
    "economics": {"raise": "hold more", "lower": "hold less", "keep": "about right"},
    "no_economics": {
        "no_holding_cost": "nothing is known of what it costs to hold a unit",
        "serves_places": "most of the demand is that of other places or of production, not of customers",
        "no_shortage_cost": "neither a shortage cost nor a margin is known",
    },
    "curve": {
        "optimised": "Least stock",
        "single_target": "One target for all",
        "plan": "The plan",
        "in_use": "Minimum and maximum in use",
        "chosen": "Chosen",
    },
    "aim": {"goal": "a goal", "budget": "a budget", "as_now": "the service of the plan"},
    "kept": {"person": "fixed by a person or by economics", "floor": "at its floor"},
    "order": {"purchase": "Buy", "transfer": "Move", "production": "Make"},
    "outlook": {"order_now": "Order now", "later": "Later", "none": "Nothing to order"},
    "target": {"cycle": "cycle service", "fill": "fill rate", "economic": "economic optimum"},
    "decided_by": {
        "segment": "the rule of its class",
        "criticality": "its criticality",
        "person": "a person",
        "portfolio": "the goal of the whole portfolio",
        "network": "the network, for the places it feeds",
    },
    "policy": {
        "base_stock": "base stock: order up to S at every review",
        "s_S": "(s, S): order up to S when the position is at or below s",
        "s_nQ": "(s, nQ): order multiples of Q when the position is at or below s",
        "none": "not stocked",
    },
    "evidence": {
        "item": "the item's own receipts",
        "lane": "receipts on the lane",
        "supplier": "the supplier's receipts",
        "mode": "suppliers of the same mode",
        "typed": "the item master",
        "company": "all other suppliers",
        "default": "the default for want of evidence",
    },
    "demand": {"none": "no demand"},
    "method": {
        "ses": "exponential smoothing",
        "sba": "Syntetos-Boylan",
        "tsb": "Teunter-Syntetos-Babai",
        "croston": "Croston",
        "zero_inflated_nb": "zero-inflated counts",
    },
    # why a rule was chosen, or something other than the wanted one
    "reason": {
        "left_out": "the point is left out of automatic planning",
        "no_demand_estimate": "there is no estimate of demand",
        "no_target": "there is no service target",
        "no_expected_demand": "no demand is expected",
        "no_demand_seen": "nobody asked for it in a year or more",
        "zero_stock_meets_target": "the target is met without stock",
        "moq_above_year": "the minimum order lasts longer than the longest lot allowed",
        "multiple_above_year": "one order multiple lasts longer than the longest lot allowed",
        "order_multiple": "orders must be multiples of a fixed quantity",
        "minimum_order": "the minimum order is larger than the economic lot",
        "lot_capped": "the economic lot is cut to the longest lot allowed",
        "economic_lot": "an economic lot covers more than one review",
        "every_review": "one review's demand is no less than the economic lot",
        "lost_sales_simulated": "lost sales with orders under way are simulated",
        "lost_sales": "lost sales with orders under way have no exact form",
        "continuous_review": "under continuous review demand is taken to come one step at a time",
        "lot_set": "a person set the lot",
        "level_set": "a person set the level",
        "level_off_lattice": "the level set is no whole number of steps",
        "lot_off_lattice": "the lot is rounded to the steps of the demand distribution",
        "no_shortage_cost": "no shortage cost is known",
        "no_demand": "there was no demand",
        "too_few_demands": "there were too few demands",
        "history_too_short": "the history is too short to score methods on",
        "seasonal_needs_two_years": "a season needs two years of history",
        "not_finite": "the method gave no finite figure",
    },
    "group": {
        "abc": "class",
        "xyz": "variability",
        "location_id": "place",
        "from_location_id": "source",
    },
    "left_out": {
        "do_not_stock": "not to be stocked",
        "engineered": "engineered to order",
        "ended": "its end date has passed",
        "superseded": "superseded by another item",
    },
    "verdict": {
        "automatic": "May be planned automatically",
        "care": "Needs care",
        "left_out": "Left out of automatic planning",
    },
    # why the history that estimates rest on differs from the record
    "history": {
        "censored": "Demand that empty shelves hid",
        "outlier": "Single orders out of all proportion",
        "event": "Known events",
        "succession": "Demand of the item before",
    },
    "seen": {
        "sold_out": "sold out",
        "partly_out": "out of stock for part of the time",
        "not_seen": "not in stock",
        "spike": "far beyond the usual",
    },
    "grade": {"over": "may be over"},
    "last_buy": {"due": "due now", "too_late": "too late"},
    "advice": {"stop_buying": "stop buying", "transfer": "move"},
    "ending": {"end_of_demand": "demand ends", "end_of_supply": "supply ends"},
    "pilot_figure": {
        "inventory_value": "Inventory value",
        "fill_rate": "Fill rate",
        "turns": "Turns",
        "expedite_spend": "Expedite spend",
        "perfect_order_rate": "Perfect-order rate",
    },
    "pilot_against": {"baseline": "the weeks before", "last_year": "the same weeks a year ago"},
    "pilot_gap": {
        "same": "as recommended",
        "more": "ordered more",
        "less": "ordered less",
        "earlier": "ordered earlier",
        "later": "ordered later",
        "not_ordered": "recommended, not ordered",
        "not_recommended": "ordered, not recommended",
    },
    "match": {
        "same_service": "at the service of the other rule",
        "same_stock": "with the stock of the other rule",
    },
    "start": {"first_target": "each rule's own first target"},
    "learned": {
        "learned_off": "the model of all series is switched off",
        "learned_too_few_windows": "too little history for a model of all series",
        "learned_not_installed": "LightGBM cannot be loaded here",
    },
    "survival": {"hidden_death": "the hidden-death model", "learned": "the company's own past"},
    # kinds of places, many of them
    "echelon": {
        "plant": "Plants",
        "dc": "DCs",
        "branch": "Branches",
        "customer": "Customers' sites",
        "supplier": "Suppliers",
        "other": "Other places",
        "all": "All",
    },
    # why a way goods could go is not one of the network, and why a stage is not part of it
    "way": {
        "in_force": "in force",
        "network_cycle": "it goes round in a circle",
        "network_time_unusable": "its lead time cannot be used",
        "network_time_zero": "it takes no time at all",
        "network_unreachable": "what it leads to gets nothing",
    },
    "refused": {
        "network_cycle": "it is replenished in a circle",
        "network_time_unusable": "its lead time cannot be used",
        "network_time_zero": "its supply takes no time at all",
    },
    "placed": {
        "serves_customers": "Its customers are served at once, so it holds what they may ask for meanwhile.",
        "decouples": "It holds so that what it feeds need not wait: cheaper here than further down.",
        "passes_on": "It holds nothing: what it feeds can wait, and covers that cheaper.",
        "customers_wait": "Its customers accept to wait as long as it takes, so it holds nothing.",
        "may_not_hold": "It may not hold stock, so it passes its wait on.",
        "rarely_asked": "It is asked for so rarely that the bound on its demand asks for no safety stock.",
        "no_demand": "Nobody asks for it.",
    },
    # what a line proposes, and what became of a supplier's order
    "line": {
        "purchase": "Buy",
        "transfer": "Move",
        "production": "Make",
        "transshipment": "Move across",
        "return": "Return",
        "expedite": "Expedite",
        "postpone": "Put off",
        "cancel": "Cancel",
    },
    "supplier_order": {
        "as_needed": "As needed",
        "pulled_forward": "With lines ordered early",
        "below_minimum": "Below the minimum",
        "partly_filled": "Container partly filled",
        "not_measured": "Size not known",
    },
    # why a decision is not judged, what may be said of a group of them, and of a habit
    "unjudged": {
        "time_not_passed": "its time has not passed",
        "order_not_arrived": "its order is still to come",
        "stock_unknown": "the plan knew no stock",
        "cost_unknown": "no unit cost is known",
        "demand_unobserved": "demand was not observed",
    },
    "worth": {"cost": "has cost", "too_few": "too few to say"},
    "paid": {"suggest": "has paid", "has_cost": "has cost", "unclear": "unclear"},
    "habit": {"author_supplier": "person and supplier"},
    "parameter": {"lead_time": "lead time", "target": "service target"},
    "figure": {
        "inventory_value": "Inventory value",
        "cover_days": "Cover",
        "turns": "Turns a year",
        "target_service": "Target service",
        "rule_inventory_value": "Long-run inventory",
        "fill_rate": "Fill rate",
        "cycle_service": "Cycle service",
        "coming_fill_rate": "Coming fill rate",
    },
}


def source(code: str | None) -> str:
    """Return where an item comes from, in words where that is not known.

    Examples
    --------
    >>> source("Acme"), source("UNKNOWN"), source(None)
    ('Acme', 'unknown source', '–')
    """
    if code is None:
        return DASH
    return "unknown source" if code == UNKNOWN_SOURCE else code


def label(topic: str, code: str | None) -> str:
    """Return the words for a code of a topic.

    Examples
    --------
    >>> label("stock", "dead"), label("method", "damped_trend"), label("order", None)
    ('Dead', 'damped trend', '–')
    """
    return DASH if code is None else LABELS[topic].get(code, code.replace("_", " "))
