"""Disasters laid over the demo company: where the exceptions of the same day rank each of them."""

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

# Companies (items, seed) and how many draws of who is hit.
COMPANIES = ((1500, 7, 4), (8000, 7, 2))
FIRST = 20
# What the tests of suppliers, lanes, customers and counts tell; no other exception names such a cause.
TESTED = (
    "has stopped delivering",
    "% later than it used to",
    "Nothing comes from",
    "orders take",
    "asks for",
    "does not add up",
)


def watched(company: Company) -> Found:
    """Return the exceptions of a demo company on its day, planned for the first time."""
    settings = Settings()
    raws = [RawTable(name.split(".")[0], name, frame) for name, frame in company.sources.items()]
    read = ingest.read(raws, ingest.Mapping.from_text(company.mapping), settings.ingest)
    stages = run_stages(read.tables, settings, as_of=company.as_of, seed=1, progress=silent)
    facts = ingest.known_at(read.tables, company.as_of)
    return find(Evidence(company.as_of, facts, stages.tables), Options())


def told(found: Found) -> pl.DataFrame:
    """Return the exceptions that rest on a test of a change or a count, false alarms among them."""
    any_of = pl.any_horizontal(pl.col("title").str.contains(words, literal=True) for words in TESTED)
    return found.exception.filter(any_of)


def rank_of(found: Found, disaster: Disaster) -> int | None:
    """Return the rank of the one exception that names the subject of a disaster, None without one."""
    rows = told(found).filter(pl.col("subject") == disaster.subject)
    return rows["rank"].item() if rows.height == 1 else None


def run(options: BenchmarkOptions, progress: Progress) -> BenchmarkOutcome:
    """Plan each company with and without each disaster."""
    rows, alarms = [], []
    work = [(n, seed, kind, draw) for n, seed, draws in COMPANIES for kind in KINDS for draw in range(draws)]
    clean: dict[tuple[int, int], Found] = {}
    for done, (n, seed, kind, draw) in enumerate(work):
        progress(f"{n:,} items: {kind}", done, len(work))
        company = generate(n, seed)
        if (n, seed) not in clean:
            clean[n, seed] = watched(company)
            alarms.append({"items": n, "seed": seed, "false_alarms": told(clean[n, seed]).height})
        disaster = inject(company, kind, draw + 1)
        found = watched(disaster.company)
        rank = rank_of(found, disaster)
        named = found.exception.filter(pl.col("rank") == rank)
        rows.append(
            {
                "items": n,
                "disaster": kind,
                "subject": disaster.subject,
                "rank": rank,
                "first_20": rank is not None and rank <= FIRST,
                "money_lost": named["money_lost"].sum(),
                "points": named["n_points"].sum(),
                "orders": named["n_orders"].sum(),
                "rank_without": rank_of(clean[n, seed], disaster),
                "others_told": told(found).height - named.height,
            }
        )
    return BenchmarkOutcome(
        "disasters",
        "Disasters in the demo company, and where the exceptions of the day rank them",
        "plimsoll bench disasters",
        machine(),
        {"disasters": pl.DataFrame(rows), "clean": pl.DataFrame(alarms)},
        (
            "A disaster is told if exactly one exception names its subject; rank among all exceptions.",
            "Who is hit is drawn among the few that matter most (`examples.disasters`), by rules narrowed "
            "after ranks had been seen: no estimate of how any supplier, lane, customer or shelf would rank.",
        ),
    )
