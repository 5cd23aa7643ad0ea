"""What a replay says of the points and facts that it cannot use."""

from plimsoll.domain.findings import Message

COUNTED = "The item's numbers here would say nothing about the rule."
LEFT_OUT = "<It was|They were> left out for every rule and counted; all others were replayed."
# why a point is left out -> what is said of it
REASONS = {
    "history_short": Message(
        "replay_history_short",
        "info",
        "demand",
        "{n} stocking point<|s> had fewer than {least} periods of history before the replay ({keys}).",
        "Nothing could have been estimated for <it|them> then.",
        LEFT_OUT,
        "Replay a shorter or later time, or lower point_periods in [replay].",
    ),
    "gaps": Message(
        "replay_gaps",
        "warning",
        "demand",
        "The demand of {n} stocking point<|s> was not observed in most replayed periods ({keys}).",
        COUNTED,
        LEFT_OUT,
        "Import the missing periods, or lower observed_share in [replay].",
    ),
    "lead_time_long": Message(
        "replay_lead_time_long",
        "warning",
        "receipts",
        "{n} stocking point<|s> <has|have> a lead time longer than the {periods} replayed periods ({keys}).",
        "No order placed in the replay would have arrived in it.",
        LEFT_OUT,
        "Replay more periods.",
    ),
    "rule_failed": Message(
        "replay_rule_failed",
        "error",
        "replay",
        "Rule '{rule}' stopped with an error at {n} stocking point<|s> ({keys}): {said}",
        COUNTED,
        LEFT_OUT,
        "Correct the function for <this point|these points> and run the replay again.",
    ),
    "rule_nonsense": Message(
        "replay_rule_nonsense",
        "error",
        "replay",
        "Rule '{rule}' answered with a quantity that is missing, negative or no number at {n} stocking "
        "point<|s> ({keys}).",
        COUNTED,
        LEFT_OUT,
        "Let the function return a number, 0 or more, for every point it was given.",
    ),
    "rule_silent": Message(
        "replay_rule_silent",
        "warning",
        "replay",
        "Rule '{rule}' said nothing, or twice, about {n} stocking point<|s> ({keys}).",
        COUNTED,
        LEFT_OUT,
        "Let the rule return exactly one row for every point it was given.",
    ),
}
EVENTS_LATER = Message(
    "replay_events_later",
    "info",
    "events",
    "{n} event<|s> that began in the replay <was|were> not told to any rule ({keys}).",
    "Events carry no day on which they became known.",
    "<It was|They were> known from <its|their> first day on.",
    "Nothing; a rule that knew them would have done better.",
)
START_UNKNOWN = Message(
    "replay_start_unknown",
    "info",
    "stock",
    "No stock was counted near {day} at {n} stocking point<|s> ({keys}).",
    "What was on the shelf when the replay begins is not known.",
    "Each rule began there with its own first target and nothing on order.",
    'Import a count of that day, or set start = "nearest" in [replay].',
)
NO_SETTINGS = Message(
    "replay_no_settings",
    "info",
    "stocking_points",
    "{n} stocking point<|s> <has|have> no minimum or maximum ({keys}).",
    "What the company's own rule is there is not known.",
    "The textbook rule stands in: z sigma root T with the typed lead time, set once at the start.",
    "Map current_min and current_max of the stocking points.",
)
LEAD_TIME_STANDS_IN = Message(
    "replay_lead_time_stands_in",
    "info",
    "receipts",
    "{n} stocking point<|s> <has|have> no dated receipt on <its|their> lane ({keys}).",
    "How long an order would have taken there is not on record.",
    "Lead times were drawn from the estimate of the first day.",
    "Nothing, unless receipts are missing.",
)
EVERY = (*REASONS.values(), EVENTS_LATER, START_UNKNOWN, NO_SETTINGS, LEAD_TIME_STANDS_IN)
