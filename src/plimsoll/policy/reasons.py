"""Why a stocking point has its kind of policy, and why its service is approximate: codes and sentences."""

from collections.abc import Mapping

POLICY_REASONS: Mapping[str, str] = {
    "left_out": "The point is left out of automatic planning.",
    "no_demand_estimate": "There is no estimate of demand to size a policy on.",
    "no_target": "The point has no service target.",
    "no_expected_demand": "Practically no demand is expected and nobody set a target, so nothing is held.",
    "no_demand_seen": "Nobody asked for it in a year or more and nobody set a target, so nothing is held.",
    "zero_stock_meets_target": "The target is met without stock between orders: order when units are owed.",
    "moq_above_year": "The minimum order lasts longer than the longest lot allowed.",
    "multiple_above_year": "One order multiple lasts longer than the longest lot allowed.",
    "order_multiple": "Orders must be multiples of a fixed quantity.",
    "minimum_order": "The minimum order is larger than the economic lot.",
    "lot_capped": "The economic lot is cut to the longest lot allowed.",
    "economic_lot": "An economic lot covers more than one review interval.",
    "lot_set": "A person set the lot.",
    "level_set": "A person set the reorder point or the order-up-to level.",
    "every_review": "One review's demand is no less than the economic lot: order up to S at every review.",
}

FALLBACK_REASONS: Mapping[str, str] = {
    "lost_sales_simulated": "Lost sales with orders under way have no exact form; service is simulated, "
    "with its standard error beside it.",
    "lost_sales": "Lost sales with orders under way have no exact form; service is approximated, fill rate "
    "to about 2 points and cycle service to about 5.",
    "continuous_review": "Demand is taken to come one step at a time under continuous review.",
    "lot_off_lattice": "The lot is no whole number of steps of the demand distribution; the nearest is used.",
    "level_off_lattice": "The level that a person set is no whole number of steps of the demand "
    "distribution; service is that of the step below.",
    "no_shortage_cost": "No shortage cost is known; the target is used as cycle service instead.",
}
