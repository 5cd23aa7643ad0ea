"""What the read model hands to pages and to the API: frozen, plain values, ready to be shown."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from plimsoll.domain.waterfall import Step

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The company and its plan in force; without a plan `run_id` is "" and `as_of` None.

    `refreshing` tells that a newer plan is being read while this one is shown.
    """

    company: str
    run_id: str
    as_of: date | None
    currency: str
    made_at: datetime | None
    refreshing: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a column can be filtered by, and how many rows of the selection have it."""

    value: str | bool | None
    n: int


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a selection that share a value: the value, how many, and the sum of a column of money."""

    value: str | bool | None
    n: int
    money: float


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a list has under a filter, their money, and the filter as the question of a URL."""

    listing: str
    name: str
    query: str
    n: int
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """Demand of the past by period, units; None where it could not be observed.

    `bucket` is week or month; `starts` are the periods' first days.
    """

    bucket: str
    starts: tuple[date, ...]
    quantity: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Fan:
    """An expected value with the interval that holds it with probability `share`, date by date, units."""

    dates: tuple[date, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    share: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Receipts whose lead time was from `days` on, up to the next bin."""

    days: int
    n: int


@dataclass(frozen=True, slots=True)
class ItemView:
    """Everything about one stocking point.

    `point` is its row of the list `items`; `rows` has its row of each table with one row a point;
    `lists` the rows of tables and lists with several. `forecast` is demand of the coming periods;
    `stock` and `stock_with_orders` the stock at their ends if nothing more is ordered, and with the lines
    proposed or accepted today. Stock below 0 is owed. `level_steps` add up to the order-up-to level, and
    `order_steps` to today's order.
    """

    run_id: str
    as_of: date
    currency: str
    item_id: str
    location_id: str
    point: Row
    rows: dict[str, Row]
    lists: dict[str, list[Row]]
    history: History
    forecast: Fan | None
    stock: Fan | None
    stock_with_orders: Fan | None
    lead_time_days: tuple[Bin, ...] = ()
    level_steps: tuple[Step, ...] = ()
    level_qty: float = 0.0
    order_steps: tuple[Step, ...] = ()
    order_qty: float = 0.0
    places: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class LineView:
    """One line: its row with its state, the numbers behind it, its point and its events, latest first."""

    line: Row
    drivers: Row
    point: Row | None
    events: tuple[Row, ...]
    is_current: bool


@dataclass(frozen=True, slots=True)
class TodayView:
    """What a planner opens the day with; money in the workspace's currency, scores as shares.

    `news`: the first changes outside the company (`domain.exceptions.NEWS`) that are not among `exceptions`.
    """

    head: Head
    age_days: int
    counts: tuple[Count, ...]
    money_at_risk: float
    cash_to_release: float
    readiness: float | None
    exceptions: tuple[Row, ...]
    parts: dict[str, list[Row]]
    n_exceptions: int
    exceptions_missing: str
    changes: tuple[Row, ...]
    news: tuple[Row, ...] = ()
    jobs: tuple[Row, ...] = ()
    deliveries: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """An answer to a search: what it is (item, line, supplier, exception), its name, words and address."""

    kind: str
    name: str
    words: str
    key: tuple[str, ...] = field(default=())
