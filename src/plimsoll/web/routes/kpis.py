"""Key figures: the four numbers, all with trend and formula, a split, and the rows behind one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.kpi_result import KpiResult
from plimsoll.domain.kpis import BY, FOUR, KPIS
from plimsoll.domain.people import Person
from plimsoll.present import kpi as words
from plimsoll.web import cells
from plimsoll.web.contexts.kpis import Figure, KpisPage
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.today import Tile
from plimsoll.web.pages import page
from plimsoll.web.security import requires
from plimsoll.workflows.kpi import Asked, load_kpis

router = APIRouter(prefix="/kpis", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
FIRST, MOST = "category", 50
SPLITS = tuple(name for name in BY if name not in ("company", "item"))
OF_ROWS = ("point", "order")  # what figures with rows behind them are drawn from


@router.get("")
def kpis(request: Request, who: Viewer, by: str = FIRST, rows: str = "") -> Response:
    """Show the key figures by the last run of `plimsoll kpi`, of the points in a person's scope."""
    folder = request.app.state.folder
    whole = load_kpis(folder, who, Asked(rows_of=rows, size=MOST))
    split = load_kpis(folder, who, Asked(by=by)) if whole is not None else None
    return page(request, KpisPage(has_run=False) if whole is None or split is None else _page(whole, split))


def _page(whole: KpiResult, split: KpiResult) -> KpisPage:
    told = words.lines(whole)
    figures = [
        Figure(
            name=line["label"],
            unit=line["unit"],
            value=line["value"],
            target=line["target"],
            met=line["met"],
            trend=cells.spark([value for value in line["values"] if value is not None]),
            formula=f"{line['formula']} From: {line['origin']}.",
            missing=line["missing"],
            href=f"/kpis?rows={line['name']}" if KPIS[line["name"]].grain in OF_ROWS else "",
        )
        for line in told
    ]
    lines, more = words.group_cells(split, MOST)
    texts, numbers, behind = words.row_cells(whole)
    return KpisPage(
        has_run=True,
        says=words.heading(whole),
        tiles=tuple(_tile(line) for line in told if line["name"] in FOUR),
        figures=tuple(figures),
        remarks=tuple(words.remarks(told)),
        groups=tuple(
            Link(cells.words(name), f"/kpis?by={name}", css="current" if name == split.by else "")
            for name in SPLITS
        ),
        heads=tuple(KPIS[name].label for name in words.group_figures(split)),
        rows=tuple(map(tuple, lines)),
        more=more,
        behind_of=KPIS[whole.rows_of].label if whole.rows_of else "",
        formula=KPIS[whole.rows_of].formula if whole.rows_of else "",
        texts=tuple(texts),
        numbers=tuple(numbers),
        behind=tuple(map(tuple, behind)),
        n_behind=whole.n_rows,
        source=f"{whole.run_id}, as known on {cells.day(whole.as_of)}",
    )


def _tile(line: dict[str, str]) -> Tile:
    """Return one of the four numbers: with its target, or what is missing for it."""
    said = line["missing"] or (f"target {line['target']}" if line["target"] else "")
    return Tile(line["label"], line["value"], line["unit"], said, f"/kpis?rows={line['name']}")
