"""What every page must be: readable by day and night, wide enough for a tablet, usable without a mouse."""

import re
from urllib.parse import quote

import pytest

from plimsoll.domain.listing import Query
from plimsoll.domain.people import owner

# Returns what is wrong with the page that is shown, each fault as a line. Colours are drawn on a canvas and
# read back, whatever notation they are in. Text on gradients or pictures does not occur.
LOOK = """() => {
  const faults = [], seen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const known = (e) => `${e.tagName.toLowerCase()}${e.id ? "#" + e.id : ""}${e.className && e.className.baseVal === undefined ? "." + e.className.trim().split(/\\s+/).join(".") : ""}`;
  const named = (e) => (e.getAttribute("aria-label") || e.title || e.textContent || "").trim() || e.querySelector("img[alt], svg title");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!(field.labels?.length && [...field.labels].some((one) => one.textContent.trim())) && !field.getAttribute("aria-label") && !field.getAttribute("aria-hidden"))
      faults.push(`no label: ${known(field)} ${field.name}`);
  for (const one of document.querySelectorAll("button, a[href], summary"))
    if (!named(one)) faults.push(`no name: ${known(one)} ${one.outerHTML.slice(0, 80)}`);
  for (const one of document.querySelectorAll("img:not([alt]), canvas:not([aria-label]):not([role=img] *)")) faults.push(`no words for a picture: ${known(one)}`);
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  for (const id of new Set(ids.filter((one, at) => ids.indexOf(one) !== at))) faults.push(`id twice: ${id}`);
  for (const one of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) faults.push(`labelled by nothing: ${known(one)}`);
  let before = 0;
  for (const head of [...document.querySelectorAll("main :is(h1, h2, h3, h4)")].filter(seen)) {
    const level = Number(head.tagName[1]);
    if (level > before + 1) faults.push(`heading skips a level: ${head.tagName} ${head.textContent.trim()}`);
    before = level;
  }
  if (document.querySelectorAll("main h1").length !== 1) faults.push(`${document.querySelectorAll("main h1").length} first headings`);
  const wide = document.documentElement;
  if (wide.scrollWidth > wide.clientWidth) {
    const out = [...document.querySelectorAll("main *, header *")].find((one) => seen(one) && one.getBoundingClientRect().right > wide.clientWidth + 1 && !one.closest(".tablebox, .netbox"));
    faults.push(`scrolls sideways: ${wide.scrollWidth} of ${wide.clientWidth}: ${out ? known(out) : "?"}`);
  }
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true }), kept = {};
  const rgba = (text) => kept[text] ??= (() => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = text; pen.fillRect(0, 0, 1, 1); const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; })();
  const over = (top, under) => top.slice(0, 3).map((value, at) => value * top[3] + under[at] * (1 - top[3]));
  const ground = (e) => { const all = []; for (let at = e; at; at = at.parentElement) { const c = rgba(getComputedStyle(at).backgroundColor); if (c[3]) all.push(c); if (c[3] === 1) break; } return all.reverse().reduce((under, one) => over(one, under), [255, 255, 255]); };
  const light = (c) => { const [r, g, b] = c.map((value) => { const v = value / 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const told = new Set();
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !e || ["SCRIPT", "STYLE", "OPTION", "TITLE"].includes(e.tagName) || e.closest(":disabled, [aria-hidden=true], .sr, .skip, svg") || !seen(e)) continue;
    texts += 1;
    const style = getComputedStyle(e), under = ground(e), ink = over(rgba(style.color), under);
    const [high, low] = [light(ink), light(under)].sort((a, b) => b - a), ratio = (high + .05) / (low + .05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const what = `${known(e)} ${style.color} on ${under.map(Math.round)}`;
    if (ratio < (large ? 3 : 4.5) - .005 && !told.has(what)) { told.add(what); faults.push(`contrast ${ratio.toFixed(2)}: ${what}: ${text.slice(0, 30)}`); }
  }
  if (texts < 10) faults.push(`only ${texts} texts were looked at`);
  return faults;
}"""
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
    assert found == []


def test_the_checks_see_what_is_wrong(visitor):
    page = visitor("kim").go("/today")
    page.evaluate("""() => {
      const main = document.querySelector("main");
      main.insertAdjacentHTML("beforeend", "<input name=bare><h4>Deep</h4><p id=pale>Pale</p><button></button><div id=wide>x</div>");
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
              const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none";
              return [at.tagName, at.getAttribute("href") || at.name || at.dataset.do || at.className, seen];
            }""")
        )
    assert [stop for stop in stops if not stop[2]] == []
    reached = {stop[1] for stop in stops}
    assert {"/today", "/exceptions", "q", "kind", "theme"} <= reached
