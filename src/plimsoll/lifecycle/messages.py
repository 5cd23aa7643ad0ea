"""What the life-cycle stage says, as data."""

from plimsoll.domain.findings import Message

LOOP = Message(
    "supersession_loop",
    "error",
    "items",
    "{n} chain<|s> of successors <runs|run> in a circle: {keys}.",
    "Nobody can say which item is the last one.",
    "These items keep their own demand; all others were followed.",
    "Clear superseded_by of the item that is sold today.",
)
UNKNOWN_SUCCESSOR = Message(
    "successor_unknown",
    "warning",
    "items",
    "{n} item<|s> <names|name> a successor that is not in the item master ({keys}).",
    "The demand of the old number cannot be passed on.",
    "<It keeps its|They keep their> own demand.",
    "Add the successor to the item master, or correct superseded_by.",
)
UNKNOWN_ANALOG = Message(
    "analog_unknown",
    "warning",
    "items",
    "{n} item<|s> <names|name> an analog that is not another item of the master ({keys}).",
    "Without it a new item's demand is guessed from others that look alike.",
    "An analog was proposed for <it|them> by attributes.",
    "Correct analog_item_id.",
)
ENGINEERED = Message(
    "engineered_unflagged",
    "info",
    "items",
    "{n} item<|s> <looks|look> engineered to order but <is|are> not flagged ({keys}).",
    "Every order is for another customer and another quantity: stock would wait for nobody.",
    "Nothing was changed; <it is|they are> planned like any other item.",
    "If so, set make_to to engineer; <it is|they are> then left out of planning with that reason.",
)
MESSAGES = (LOOP, UNKNOWN_SUCCESSOR, UNKNOWN_ANALOG, ENGINEERED)
