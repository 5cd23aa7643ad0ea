"""Learning: what decisions were worth once their time has passed, and what they teach."""

from plimsoll.learning.decisions import DECIDED, DECISION, POINT, points_of
from plimsoll.learning.outcomes import outcomes
from plimsoll.learning.params import LearningParams
from plimsoll.learning.systematic import suggestions
from plimsoll.learning.totals import totals
from plimsoll.learning.wording import sentences

__all__ = [
    "DECIDED",
    "DECISION",
    "POINT",
    "LearningParams",
    "outcomes",
    "points_of",
    "sentences",
    "suggestions",
    "totals",
]
