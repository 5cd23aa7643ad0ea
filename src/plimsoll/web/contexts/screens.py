"""What the pages around lists receive: cash, data health, suppliers, runs, audit trail, files, learning."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup

from plimsoll.web.contexts.lists import Grid, Line, Link
from plimsoll.web.contexts.shell import Context
from plimsoll.web.contexts.today import Tile


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a bar chart that is a table too: words, figure, share of the longest, address, chosen."""

    words: str
    figure: str
    share: float
    href: str = ""
    note: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """A chart of bars that answers one question; `more` says how many are not shown."""

    title: str
    bars: tuple[Bar, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class CashPage(Context):
    """Stock beyond what is needed: where it lies, and which."""

    template: ClassVar[str] = "cash/page.html"
    says: str
    grid: Grid
    cuts: tuple[Bars, ...]


@dataclass(frozen=True, slots=True)
class CashPart(Context):
    """The list alone, with the charts of its selection."""

    template: ClassVar[str] = "cash/part.html"
    grid: Grid
    cuts: tuple[Bars, ...]


@dataclass(frozen=True, slots=True)
class HealthPage(Context):
    """What the data can carry, and what was found in them."""

    template: ClassVar[str] = "health/page.html"
    says: str
    tiles: tuple[Tile, ...]
    grid: Grid


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding in full: its title, what each of its parts says, how grave it is."""

    code: str
    title: str
    severity: str
    what: str
    why: str
    done: str
    remedy: str
    money: str


@dataclass(frozen=True, slots=True)
class FindingPage(Context):
    """One finding with the rows behind it; `findings` has one for each table it was found in."""

    template: ClassVar[str] = "health/finding.html"
    title: str
    findings: tuple[Finding, ...]
    grid: Grid


@dataclass(frozen=True, slots=True)
class SupplierPage(Context):
    """One supplier: figures, charts, lanes, open orders, what is proposed to order."""

    template: ClassVar[str] = "suppliers/supplier.html"
    name: str
    says: str
    tiles: tuple[Tile, ...]
    charts: tuple[dict[str, Any], ...]
    facts: tuple[tuple[str, str], ...]
    lanes: Grid
    orders: Grid


@dataclass(frozen=True, slots=True)
class Stage:
    """A place in the drawing of a network: where its box is, and what it says."""

    x: int
    y: int
    name: str
    kind: str
    item: str
    holds: str
    serves: str
    href: str
    width: int
    level: int
    now: int
    words: str
    is_own: bool
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network as a picture: its size, ways as paths, stages as boxes, heads of the columns."""

    width: int
    height: int
    ways: tuple[str, ...]
    stages: tuple[Stage, ...]
    heads: tuple[tuple[int, str], ...]
    n_more: int


@dataclass(frozen=True, slots=True)
class Node:
    """A stage in words: what it is and the sentences about it."""

    part: str
    level: int
    head: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkPage(Context):
    """The network of one item, drawn and in words."""

    template: ClassVar[str] = "network/item.html"
    item: str
    says: str
    tiles: tuple[Tile, ...]
    drawing: Drawing
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """A job as it stands: words, status, detail, the share done, where its result is."""

    job_id: int
    words: str
    status: str
    detail: str
    error: str
    share: float
    is_running: bool
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class RunsPage(Context):
    """Runs: start a plan, watch it, and all that were made."""

    template: ClassVar[str] = "runs/page.html"
    says: str
    job: Progress | None
    grid: Grid
    actions: tuple[Link, ...]
    can_start: bool


@dataclass(frozen=True, slots=True)
class ProgressPart(Context):
    """Where a job is, alone; asked for again while it runs."""

    template: ClassVar[str] = "runs/progress.html"
    job: Progress | None
    can_start: bool


@dataclass(frozen=True, slots=True)
class RunPage(Context):
    """One run: what it was made of, with which options, and which tables it has."""

    template: ClassVar[str] = "runs/run.html"
    run_id: str
    says: str
    status: str
    facts: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    tables: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    is_plan: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of two plans: words, before, after, by how much."""

    words: str
    before: str
    after: str
    change: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class ComparePage(Context):
    """Two plans side by side: figures, causes, what they were made of, the points that moved most."""

    template: ClassVar[str] = "runs/compare.html"
    before: str
    after: str
    says: str
    figures: tuple[Figure, ...]
    causes: Bars
    made_of: tuple[Figure, ...]
    heads: tuple[tuple[str, str], ...]
    rows: tuple[Line, ...]
    more: str
    runs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """What a check of the log found; `state` is good, bad or "" where it was not checked."""

    state: str
    words: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AuditPage(Context):
    """The log of changes; `check_now` tells the page to have the chain checked as it opens."""

    template: ClassVar[str] = "audit/page.html"
    says: str
    grid: Grid
    check_now: bool


@dataclass(frozen=True, slots=True)
class ChainPart(Context):
    """What a check of the log's chain found, alone."""

    template: ClassVar[str] = "audit/chain.html"
    chain: Chain


@dataclass(frozen=True, slots=True)
class UploadPage(Context):
    """A form that takes an edited list; `steps` tell how to edit it, `error` what was wrong with the last."""

    template: ClassVar[str] = "files/upload.html"
    title: str
    back: Link
    action: str
    downloads: tuple[Link, ...]
    steps: tuple[Markup, ...]
    longest_mb: float
    error: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PreviewPage(Context):
    """What a file asks for, before anything is done; `packed` carries it to the address `confirm`.

    `heads` are title and class of the columns of `asked`; `back` is the list, `again` the form before.
    """

    template: ClassVar[str] = "files/preview.html"
    file: str
    says: str
    back: str
    again: str
    confirm: str
    counts: tuple[tuple[str, str], ...]
    heads: tuple[tuple[str, str], ...]
    asked: tuple[tuple[str, ...], ...]
    more_asked: str
    problems: tuple[tuple[str, str, str], ...]
    more_problems: str
    packed: str


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit of deciding and what it points to; `id` is "" where there is nothing to adopt."""

    id: str
    title: str
    sentence: str
    verdict: str
    money: str
    change: str
    field: str
    value: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LearningPage(Context):
    """What decisions were worth, and what they teach."""

    template: ClassVar[str] = "learning/page.html"
    says: tuple[str, ...]
    tiles: tuple[Tile, ...]
    habits: tuple[Habit, ...]
    groups: tuple[Link, ...]
    by: str
    rows: tuple[tuple[str, ...], ...]
    chart: dict[str, Any] | None
    can_adopt: bool
    has_run: bool
    notes: tuple[str, ...] = field(default=())
