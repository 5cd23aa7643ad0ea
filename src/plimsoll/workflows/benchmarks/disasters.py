"""Disasters laid over the demo company: where the exceptions of the same day rank each of them."""

from collections.abc import Iterable

import polars as pl

from plimsoll import ingest
from plimsoll.domain.progress import Progress, silent
from plimsoll.domain.raw import RawTable
from plimsoll.domain.results import BenchmarkOutcome
from plimsoll.examples.company import Company, generate
from plimsoll.examples.disasters import KINDS, Disaster, inject
from plimsoll.exceptions import Evidence, Found, Options, find
from plimsoll.workflows.benchmarks.registry import BenchmarkOptions, machine
from plimsoll.workflows.pipeline import run_stages
from plimsoll.workflows.settings import Settings

# Items of the companies and their seeds; each is struck by all disasters at once, drawn by `DRAW`.
COMPANIES = ((1500, (101, 102, 103, 104, 105, 106, 107, 108)), (8000, (101,)))
DRAW = 1
FIRST = 20
# Words that only the tests of suppliers, lanes, customers and counts use, and whom they are about.
TESTED = {
    "has stopped delivering": "supplier",
    "% later than it used to": "supplier",
    "Nothing comes from": "lane",
    "orders take": "lane",
    "asks for": "customer",
    "does not add up": "count",
}


def watched(company: Company) -> Found:
    """Return the exceptions of a demo company on its day, planned for the first time."""
    settings = Settings()
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    read = ingest.read(raws, ingest.Mapping.from_text(company.mapping), settings.ingest)
    stages = run_stages(read.tables, settings, as_of=company.as_of, seed=1, progress=silent)
    facts = ingest.known_at(read.tables, company.as_of)
    return find(Evidence(company.as_of, facts, stages.tables), Options())


def told(found: Found) -> pl.DataFrame:
    """Return the exceptions that rest on a test of a change or a count, with whom they are `about`."""
    about = pl.coalesce(
        pl.when(pl.col("title").str.contains(words, literal=True)).then(pl.lit(who))
        for words, who in TESTED.items()
    )
    return found.exception.with_columns(about=about).filter(pl.col("about").is_not_null())


def rank_of(found: Found, disaster: Disaster) -> int | None:
    """Return the rank of the one exception that names the subject of a disaster, None without one."""
    rows = told(found).filter(pl.col("subject") == disaster.subject)
    return rows["rank"].item() if rows.height == 1 else None


def struck(company: Company, draw: int) -> tuple[Company, dict[str, Disaster]]:
    """Return the company with all disasters at once, and the disasters by kind."""
    disasters = {}
    for kind in KINDS:
        disasters[kind] = inject(company, kind, seed=draw)
        company = disasters[kind].company
    return company, disasters


def _ranked(items: int, seed: int, found: Found, disasters: dict[str, Disaster]) -> pl.DataFrame:
    """Return where each disaster is in the list, a row each."""
    rows = [
        {
            "items": items,
            "seed": seed,
            "disaster": kind,
            "subject": each.subject,
            "rank": rank_of(found, each),
        }
        for kind, each in disasters.items()
    ]
    frame = pl.DataFrame(rows, schema_overrides={"rank": pl.Int64})
    named = found.exception.select("rank", "money_lost", points="n_points", orders="n_orders")
    return frame.join(named, on="rank", how="left", maintain_order="left")


def _alarms(items: int, seed: int, found: Found, rightly: Iterable[str]) -> dict[str, object]:
    """Return how many exceptions accuse somebody to whom nothing was done, by whom they are about."""
    about = told(found).filter(~pl.col("subject").is_in(list(rightly)))["about"]
    return {"items": items, "seed": seed} | {
        who: (about == who).sum() for who in dict.fromkeys(TESTED.values())
    }


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what was found of each kind of disaster."""
    return rows.group_by("items", "disaster", maintain_order=True).agg(
        struck=pl.len(),
        told_as_one=pl.col("rank").is_not_null().sum(),
        first_20=(pl.col("rank") <= FIRST).sum(),
        rank_median=pl.col("rank").median(),
        rank_max=pl.col("rank").max(),
    )


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Plan each company as it is, and with all disasters at once."""
    rows, clean, beside = [], [], []
    work = [(items, seed) for items, seeds in COMPANIES for seed in seeds]
    for done, (items, seed) in enumerate(work):
        progress(f"{items:,} items, seed {seed}", done, len(work))
        company = generate(items, seed)
        clean.append(_alarms(items, seed, watched(company), ()))
        hit, disasters = struck(company, DRAW)
        found = watched(hit)
        rows.append(_ranked(items, seed, found, disasters))
        beside.append(_alarms(items, seed, found, [each.subject for each in disasters.values()]))
    every = pl.concat(rows)
    return BenchmarkOutcome(
        "disasters",
        "Disasters in the demo company, and where the exceptions of the day rank them",
        "plimsoll bench disasters",
        machine(),
        {
            "By kind of disaster": _summed(every),
            "Every disaster": every,
            "False alarms in companies without disasters": _in_all(clean),
            "False alarms beside disasters": _in_all(beside),
        },
        (
            "All four disasters are laid over one company at once and planned in one run. A disaster is told "
            "if exactly one exception names its subject; rank is its place among all exceptions of the day.",
            "Who is hit is drawn among the few that matter most (`examples.disasters`), by rules narrowed "
            "after ranks of seeds 7 and 11 had been seen: no estimate of how any supplier, lane, customer or "
            "shelf would rank. Formulas were chosen by principle and false alarms, not by the ranks here.",
            "False alarms: exceptions about suppliers, lanes, customers or counts to whom nothing was done. "
            "The demo company has counting mistakes of its own, which may be told rightly.",
        ),
    )


def _in_all(alarms: list[dict[str, object]]) -> pl.DataFrame:
    """Return the runs and the false alarms in them, by size of the company."""
    return (
        pl.DataFrame(alarms)
        .group_by("items", maintain_order=True)
        .agg(pl.len().alias("runs"), pl.exclude("items", "seed").sum())
    )
