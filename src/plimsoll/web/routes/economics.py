"""Service economics: what service costs in stock, the best targets, and where one more unit stops paying."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from plimsoll.domain.economics_result import EconomicsResult
from plimsoll.domain.people import Person
from plimsoll.present import economics as words
from plimsoll.present.labels import label
from plimsoll.present.numbers import money, percent
from plimsoll.web import cells
from plimsoll.web.contexts.economics import EconomicsPage
from plimsoll.web.contexts.lists import Link
from plimsoll.web.contexts.today import Tile
from plimsoll.web.pages import page
from plimsoll.web.security import requires
from plimsoll.workflows.economics import load_economics

router = APIRouter(prefix="/economics", include_in_schema=False)
Viewer = Annotated[Person, Depends(requires("view"))]
FIRST, MOST = "class", 50
DRAWN = {"optimised": "expected", "single_target": "before"}


@router.get("")
def economics(request: Request, who: Viewer, by: str = FIRST) -> Response:
    """Show what service costs by the last run of `plimsoll targets`."""
    words.check_grouping(by)
    return page(request, _page(load_economics(request.app.state.folder, who), by))


def _page(result: EconomicsResult | None, by: str) -> EconomicsPage:
    if result is None:
        return EconomicsPage(has_run=False)
    is_whole = bool(result.at("chosen"))
    groups = tuple(
        Link(cells.heading(code), f"/economics?by={code}", css="current" if code == by else "")
        for code in words.groupings()
    )
    return EconomicsPage(
        has_run=True,
        says=tuple(words.stands(result)) if is_whole else (),
        tiles=tuple(_tiles(result)) if is_whole else (),
        chart=_chart(result) if is_whole else None,
        services=tuple(map(tuple, words.curve_lines(result))) if is_whole else (),
        groups=groups,
        segments=tuple(map(tuple, words.segment_lines(result, by, MOST))),
        judged=tuple(words.economic_sentences(result)),
        points=tuple(map(tuple, words.economic_lines(result, MOST))),
        source=f"{result.run_id}, on {result.run['plan_id']} as known on {cells.day(result.as_of)}",
    )


def _tiles(result: EconomicsResult) -> list[Tile]:
    tiles = []
    for curve in ("in_use", "plan", "chosen"):
        at = result.at(curve)
        if at:
            tiles.append(
                Tile(
                    label("curve", curve),
                    percent(at["service"]),
                    "",
                    f"with {money(at['inventory_value'], result.currency)} of expected stock",
                    "",
                )
            )
    point = money(result.run["next_point_value"], result.currency)
    return [*tiles, Tile("The next point", point, "", "of stock, from what was chosen", "")]


def _chart(result: EconomicsResult) -> dict[str, Any]:
    """Return both curves over service, with the services of today and of the choice as lines."""
    services = words.services_drawn(result)
    series = [
        {"name": label("curve", curve), "role": role, "values": words.values_drawn(result, curve, services)}
        for curve, role in DRAWN.items()
    ]
    marks = [
        {"at": words.nearest(services, result.at(curve)["service"]), "name": label("curve", curve)}
        for curve in ("plan", "in_use")
        if result.at(curve)
    ]
    return {
        "kind": "lines", "title": "What does service cost?", "unit": result.currency or "money",
        "note": "expected stock at unit cost", "x_name": "Service", "x": [percent(one) for one in services],
        "series": series,
        "marks": marks,
    }  # fmt: skip
