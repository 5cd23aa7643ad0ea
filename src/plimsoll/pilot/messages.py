"""What a pilot has to say about its data, as findings."""

from plimsoll.domain.findings import Message

NOT_BALANCED = Message(
    "pilot_not_balanced",
    "warning",
    "items",
    "{n} measure<|s> <differs|differ> between fence and control group by more than {limit} standard "
    "deviations ({keys}).",
    "What sets the groups apart from the start may be taken for an effect; the baseline takes out what stays "
    "the same.",
    "The pairs were kept as they are.",
    "Take fewer items or another choice, or let a coin decide instead of naming the items.",
)
FEWER_PAIRS = Message(
    "pilot_fewer_pairs",
    "info",
    "items",
    "{n} pair<|s> of items instead of {size}: the company has no more that are alike.",
    "A smaller pilot sees larger effects only.",
    "The pilot is proposed with these.",
    "Look at what it can see; a longer pilot sees more.",
)
UNFIT_ITEMS = Message(
    "pilot_unfit_items",
    "warning",
    "items",
    "{n} item<|s> that you named cannot take part ({keys}).",
    "Without demand in the history or without counted stock nothing about them could be measured.",
    "They are left out of the fence.",
    "Import their demand and counts, or name others.",
)
NO_POWER = Message(
    "pilot_no_power",
    "warning",
    "stock",
    "Of {n} figure<|s> the past cannot tell what the pilot could see ({keys}).",
    "An effect that a pilot is too small to see looks like none.",
    "The pilot can run; its interval will tell how much it saw.",
    "Import counts of stock, shipments and expediting of the half-year before, or begin with longer shadow "
    "weeks.",
)
MESSAGES = (NOT_BALANCED, FEWER_PAIRS, UNFIT_ITEMS, NO_POWER)
