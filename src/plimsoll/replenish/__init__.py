"""What to order, move or make today, and why.

In: planning points, lead times, demand estimates, policies, stock and open orders as known on
`as_of`. Out: `recommendation` (one line an order, with reasons as codes, data and a sentence),
`outlook` (one line a point) and findings. Position = on hand + on order − backlog − allocated;
the protection interval (lead time + review) is the only interval that a position is judged over.
"""

from plimsoll.replenish.params import ReplenishParams
from plimsoll.replenish.recommend import Recommendations, recommend

__all__ = ["Recommendations", "ReplenishParams", "recommend"]
