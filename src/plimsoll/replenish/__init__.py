"""What to order, move or make today, and why.

In: planning points, lead times, demand estimates, policies, stock and open orders as known on
`as_of`. Out: `recommendation` (one line an order, with reasons as codes, data and a sentence),
`outlook` (one line a point) and findings. Then `order_change` (open orders that should come sooner, later
or not at all), `supplier_order` (today's lines to a supplier together), and `line`: all that is proposed,
numbered by what matters. Position = on hand + on order − backlog − allocated;
the protection interval (lead time + review) is the only interval that a position is judged over.
"""

from plimsoll.replenish.confidence import Evidence
from plimsoll.replenish.lines import Proposals, lines
from plimsoll.replenish.order_changes import order_changes
from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.recommend import Recommendations, recommend
from plimsoll.replenish.supplier_orders import supplier_orders

__all__ = [
    "Evidence",
    "Proposals",
    "Recommendations",
    "ReplenishParams",
    "lines",
    "order_changes",
    "recommend",
    "supplier_orders",
]
