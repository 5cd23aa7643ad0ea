"""Many places at once: what each stage of a network holds so that customers get their service at least cost.

In: `planning_point`, `lead_time_estimate`, `demand_estimate`, `target`, lanes and bills of material. Out: the
network itself (`build`: tables `network_stage`, `network_arc`), policies of connected places sized together
(`size`: tables `policy`, `network_service`), and the same simulated. Conventions of time are those
of `plimsoll.domain.calendar`, over all stages: customers first, orders go up within the period.
"""

from plimsoll.network.model import Network, arrays, build
from plimsoll.network.params import NetworkParams
from plimsoll.network.size import Sized, size

__all__ = ["Network", "NetworkParams", "Sized", "arrays", "build", "size"]
