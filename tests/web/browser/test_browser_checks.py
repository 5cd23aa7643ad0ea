"""What every page must be: readable by day and night, wide enough for a tablet, usable without a mouse."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from plimsoll.domain.listing import Query
from plimsoll.domain.people import owner

LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")  # returns the faults of a page
PAGES = (
    "/today",
    "/recommendations?status=proposed",
    "/recommendations/{line}",
    "/recommendations/{line}/change",
    "/exceptions",
    "/exceptions/{exception}",
    "/exports",
    "/items",
    "/items/{item}/{place}",
    "/suppliers",
    "/suppliers/{supplier}",
    "/suppliers/all/orders",
    "/network",
    "/network/{item}",
    "/cash",
    "/overrides",
    "/files/upload/overrides",
    "/health",
    "/runs",
    "/runs/{run}",
    "/learning",
    "/audit",
    "/files/upload",
    "/settings",
    "/settings/options",
    "/settings/views",
    "/settings/users",
    "/account",
)


def addresses(workbench):
    """Return the pages with names of the company in them."""
    desk, root = workbench.app.state.desk, owner("root")

    def first(name):
        return desk.listing(name, Query(size=1), root).rows[0]

    line, point = first("recommendations"), first("items")
    names = {
        "line": line["line_id"],
        "run": line["line_id"].rpartition("-")[0],
        "exception": first("exceptions")["exception_id"],
        "item": point["item_id"],
        "place": point["location_id"],
        "supplier": first("suppliers")["from_location_id"],
    }
    quoted = {name: quote(value, safe="") for name, value in names.items()}
    return [page.format_map(quoted) for page in PAGES]


@pytest.mark.parametrize(
    ("scheme", "width", "height"),
    [("light", 1366, 768), ("dark", 820, 1180)],
    ids=["a laptop by day", "a tablet by night"],
)
def test_every_page_is_labelled_readable_and_fits(visitor, workbench, scheme, width, height):
    ann = visitor("ann", color_scheme=scheme, viewport={"width": width, "height": height})
    faults = []
    for address in addresses(workbench):
        page = ann.go(address)
        name = re.sub(r"\W+", "-", PAGES[len(faults)].strip("/")).strip("-")
        ann.picture(f"page-{name}-{width}")
        faults.append(page.evaluate(LOOK))
    found = [f"{page}: {fault}" for page, some in zip(PAGES, faults, strict=True) for fault in some]
    assert not found, "\n".join(found)


def test_the_checks_see_what_is_wrong(visitor):
    page = visitor("kim").go("/today")
    page.evaluate("""() => {
      const main = document.querySelector("main");
      const bad = "<input name=bare><h4>Deep</h4><p id=pale>Pale</p><button></button><div id=wide>x</div>";
      main.insertAdjacentHTML("beforeend", bad);
      document.querySelector("#pale").style.color = "rgb(150 160 170)";
      document.querySelector("#wide").style.width = "3000px";
    }""")
    found = " ".join(page.evaluate(LOOK))
    for fault in (
        "no label: input",
        "heading skips a level: H4",
        "contrast 2.",
        "no name: button",
        "scrolls sideways",
    ):
        assert fault in found


def test_the_keyboard_reaches_what_can_be_clicked_and_shows_where_it_is(visitor):
    page = visitor("kim").go("/recommendations?status=proposed")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    stops = []
    for _ in range(45):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate("""() => {
              const at = document.activeElement, style = getComputedStyle(at);
              const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
              return [at.tagName, at.getAttribute("href") || at.name || at.dataset.do || at.className, seen];
            }""")
        )
    assert [stop for stop in stops if not stop[2]] == []
    reached = {stop[1] for stop in stops}
    assert {"/today", "/exceptions", "q", "kind", "theme"} <= reached
