"""What stock is worth and where it is stranded: health of every point, totals, before and after.

In: planning points, demand estimates, policies and today's outlook. Out: `inventory_health`, totals
by any class or place, a comparison of today with the plan, and the four questions of one point.
Money is in the workspace's currency, quantities in stocking units, cover in days.
"""

from plimsoll.measure.before_after import before_after
from plimsoll.measure.evidence import lead_time_totals, method_totals
from plimsoll.measure.health import inventory_health
from plimsoll.measure.overridden import Overridden, override_effects
from plimsoll.measure.params import MeasureParams
from plimsoll.measure.questions import FourQuestions, four_questions
from plimsoll.measure.totals import buffer_totals, totals
from plimsoll.measure.waterfall import level_waterfall, order_waterfall, steps_of

__all__ = [
    "FourQuestions",
    "MeasureParams",
    "Overridden",
    "before_after",
    "buffer_totals",
    "four_questions",
    "inventory_health",
    "lead_time_totals",
    "level_waterfall",
    "method_totals",
    "order_waterfall",
    "override_effects",
    "steps_of",
    "totals",
]
