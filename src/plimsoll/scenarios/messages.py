"""What a scenario has to say beside its figures."""

from plimsoll.domain.findings import Message

NO_WAY = Message(
    "scenario_no_lane",
    "warning",
    "lanes",
    "{n} point<|s> <has|have> no other lane ({keys}).",
    "Nothing can be ordered for <it|them> while the lane is closed.",
    "<It is|They are> left out of the orders of this scenario.",
    "Name a source for <it|them> with a change of kind source.",
)
NO_SEASON = Message(
    "scenario_no_season",
    "warning",
    "demand_estimate",
    "{n} point<|s> in the scope of a change of season <has|have> none ({keys}).",
    "Only a season that many items share is estimated; moving none changes nothing.",
    "<Its|Their> demand was left as it is.",
    "Use a factor on demand with days from and to.",
)
MESSAGES = (NO_WAY, NO_SEASON)
