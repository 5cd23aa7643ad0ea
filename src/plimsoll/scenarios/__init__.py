"""What if: named changes laid over a base, and what they come to.

In: a scenario (`domain.scenarios`), and the facts and estimates of a plan. Out: the same facts and estimates
as the scenario would have them, for the stages of the plan to run on again. A stress test asks of many
disruptions at once how long stock lasts and what is lost, without the stages.
"""

from plimsoll.scenarios.delays import delayed_lanes as delayed_lanes
from plimsoll.scenarios.delays import delayed_orders as delayed_orders
from plimsoll.scenarios.demands import changed_demand as changed_demand
from plimsoll.scenarios.demands import flat_seasons as flat_seasons
from plimsoll.scenarios.disruptions import usual_disruptions as usual_disruptions
from plimsoll.scenarios.figures import differing_actions as differing_actions
from plimsoll.scenarios.figures import figures as figures
from plimsoll.scenarios.masters import changed_masters as changed_masters
from plimsoll.scenarios.masters import changed_points as changed_points
from plimsoll.scenarios.names import check_names as check_names
from plimsoll.scenarios.names import lanes_of as lanes_of
from plimsoll.scenarios.names import within as within
from plimsoll.scenarios.params import ScenarioParams as ScenarioParams
from plimsoll.scenarios.stress import flows_of as flows_of
from plimsoll.scenarios.stress import stress as stress
