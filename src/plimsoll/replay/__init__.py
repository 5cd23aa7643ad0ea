"""Replay: any decision rule over the past, with only what was known then; one ledger of what came of it.

The world (demand as it came, lead times as they were, stock at the start) is the same for every rule. At
each moment a rule is told the facts of that day (`known_then`) and the state that its own orders have led
to, and its levels stay in force until the next moment. The periods between are run by the kernel
`maths.kernels.replay`, in the order of events of `domain.calendar`. Points are replayed one by one: what a
place orders is not taken from the shelf of the place that sends it.
"""

from plimsoll.replay.clock import Clock as Clock
from plimsoll.replay.clock import clock_of as clock_of
from plimsoll.replay.compare import differences as differences
from plimsoll.replay.compare import figures as figures
from plimsoll.replay.frontier import SAME_SERVICE as SAME_SERVICE
from plimsoll.replay.frontier import between as between
from plimsoll.replay.frontier import fill_rate as fill_rate
from plimsoll.replay.frontier import frontier as frontier
from plimsoll.replay.frontier import goals_around as goals_around
from plimsoll.replay.known import known_then as known_then
from plimsoll.replay.ledger import ledger_table as ledger_table
from plimsoll.replay.ledger import period_table as period_table
from plimsoll.replay.months import month_ledger as month_ledger
from plimsoll.replay.params import ReplayParams as ReplayParams
from plimsoll.replay.past import recorded as recorded
from plimsoll.replay.rules import CurrentRule as CurrentRule
from plimsoll.replay.rules import FunctionRule as FunctionRule
from plimsoll.replay.rules import PlanRule as PlanRule
from plimsoll.replay.rules import StaticRule as StaticRule
from plimsoll.replay.rules import without_settings as without_settings
from plimsoll.replay.run import RuleRun as RuleRun
from plimsoll.replay.run import run_rule as run_rule
from plimsoll.replay.world import World as World
from plimsoll.replay.world import build_world as build_world
from plimsoll.replay.world import left_out_findings as left_out_findings
