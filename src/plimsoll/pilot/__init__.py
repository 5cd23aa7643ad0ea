"""The pilot: who takes part, who is compared with, and what ninety days prove.

Weeks of stocking points come in as sums (`week.POINT_WEEK`). A fence of items is proposed with a control
group of items like them, a coin deciding in each pair; what the pilot could see is estimated beforehand
(`power`). While it runs, service is watched by week with a boundary that keeps its false alarms
(`guard`, `looks`), and at its end a rule fixed beforehand says go, extend or stop (`verdict`) by differences
in differences of a few numbers (`effect`).
"""

from plimsoll.pilot.effect import all_effects as all_effects
from plimsoll.pilot.fence import CHOICES as CHOICES
from plimsoll.pilot.fence import item_measures as item_measures
from plimsoll.pilot.fence import propose as propose
from plimsoll.pilot.looks import overriding as overriding
from plimsoll.pilot.looks import service_looks as service_looks
from plimsoll.pilot.params import PilotParams as PilotParams
from plimsoll.pilot.power import detectable as detectable
from plimsoll.pilot.power import power_findings as power_findings
from plimsoll.pilot.shadow import LINE as LINE
from plimsoll.pilot.shadow import ORDER as ORDER
from plimsoll.pilot.shadow import decision_table as decision_table
from plimsoll.pilot.shadow import gaps as gaps
from plimsoll.pilot.verdict import Verdict as Verdict
from plimsoll.pilot.verdict import judged as judged
from plimsoll.pilot.week import POINT_WEEK as POINT_WEEK
from plimsoll.pilot.week import by_week as by_week
from plimsoll.pilot.week import checked as checked
