"""What the demand stage says, as data."""

from plimsoll.domain.findings import Message


def _refused(code: str, what: str, remedy: str) -> Message:
    return Message(
        code,
        "warning",
        "events",
        f"{{n}} event<|s> {what} ({{keys}}).",
        "An event that cannot be placed would move demand at random.",
        "<It was|They were> left out; all others count.",
        remedy,
    )


# In the order in which an event is judged.
REFUSED = (
    _refused(
        "event_undated",
        "<has|have> no usable dates",
        "Give a start, and an end unless it is a project of one day.",
    ),
    _refused("event_backwards", "<ends|end> before <it starts|they start>", "Correct the dates."),
    _refused("event_nowhere", "<is|are> of no stocking point that is planned", "Correct item and location."),
    _refused(
        "event_says_nothing",
        "<gives|give> neither a quantity nor an uplift that can be used",
        "Give the units, or for a promotion an uplift.",
    ),
    _refused(
        "event_lowers",
        "<lowers|lower> demand to come",
        "Shorten the forecast by hand; it counts for the past.",
    ),
)
HIDDEN = Message(
    "demand_hidden",
    "info",
    "demand",
    "Stock-outs hid demand at {n} stocking point<|s> in {n_periods} {periods}{read} ({keys}).",
    "What was sold while the shelf was empty is not what customers wanted.",
    "{added} units were put back, listed in history_change.",
    "Refuse a change that is wrong (`plimsoll repair WORKSPACE add --kind drop --table history_change`), or "
    "set stockouts in [demand] to given or ignored.",
)
HARDLY_SEEN = Message(
    "demand_hardly_seen",
    "warning",
    "demand",
    "{n} stocking point<|s> <was|were> out of stock in nearly every period ({keys}).",
    "What demand would have been cannot be told from what was sold.",
    "Sales were counted as demand, which is too little.",
    "Give a rate or a similar item, or look at the stock records.",
)
BOOK_INCOMPLETE = Message(
    "order_book_incomplete",
    "info",
    "demand",
    "{n} open customer order<|s> <is|are> far fewer than customers' lead times leave.",
    "Customers book ahead, so the orders under way are either not all there or have left already.",
    "The forecast was left whole, and open orders were not counted besides.",
    "Bring all open customer orders, with promised and shipped dates.",
)
MESSAGES = (*REFUSED, HIDDEN, HARDLY_SEEN, BOOK_INCOMPLETE)
