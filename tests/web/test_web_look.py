"""How the workbench looks: contrast by day and night, nothing fetched from elsewhere, no inline code."""

import re
from importlib.resources import files
from itertools import product

import pytest

WEB = files("plimsoll.web")
CSS = WEB.joinpath("static", "app.css").read_text(encoding="utf-8")
TEMPLATES = sorted(
    path
    for path in WEB.joinpath("templates").rglob("*.html")  # type: ignore[attr-defined]
)
COLOURS = {
    name: colours
    for name, *colours in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
}
TEXT, SHAPE = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
# What is written on what: text -> the grounds it stands on.
WRITTEN = {
    "ink": ("paper", "wash", "sunk", "accent-wash", "good-wash", "warn-wash", "bad-wash"),
    "soft": ("paper", "wash", "sunk", "accent-wash", "warn-wash"),
    "accent": ("paper", "wash", "sunk", "accent-wash"),
    "accent-strong": ("paper", "accent-wash"),
    "on-accent": ("accent", "accent-strong"),
    "good": ("paper", "good-wash"),
    "warn": ("paper", "warn-wash"),
    "bad": ("paper", "bad-wash"),
}
# What is drawn on what: borders of controls, bars, lines, the ring of the focus.
DRAWN = {
    "edge": ("paper", "wash", "sunk"),
    "accent": ("paper", "wash"),
    "muted-mark": ("paper",),
    "good": ("paper",),
}


def luminance(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_is_that_of_the_guideline():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the known grey that just fails


@pytest.mark.parametrize("theme", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize(("pairs", "least"), [(WRITTEN, TEXT), (DRAWN, SHAPE)], ids=["text", "shapes"])
def test_contrast(theme, pairs, least):
    asked = [(front, back) for front, backs in pairs.items() for back in backs]
    found = {pair: contrast(COLOURS[pair[0]][theme], COLOURS[pair[1]][theme]) for pair in asked}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < least} == {}


def test_every_text_colour_of_the_rules_is_in_the_pairs():
    used = set(re.findall(r"[^-]color: var\(--([\w-]+)\)", CSS))
    assert used - {"muted-mark"} <= set(WRITTEN)


def test_rules_name_no_colour_of_their_own():
    rules = CSS.split("\n}\n", 1)[1]  # after the declarations
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == ["#fff"]  # paper, in print


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_inline_code_and_nothing_from_elsewhere(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|https?://|\| ?safe", text)
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "src=" in attributes or 'type="application/json"' in attributes


@pytest.mark.parametrize("name", ["app.js", "charts.js", "app.css", "icons.svg"])
def test_own_files_fetch_nothing_from_elsewhere(name):
    text = WEB.joinpath("static", name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|//[a-z]+\.[a-z]+/|@import|\beval\(|\.innerHTML|insertAdjacentHTML", text)


def test_every_icon_that_is_asked_for_is_there():
    drawn = set(
        re.findall(r'<symbol id="(\w+)"', WEB.joinpath("static", "icons.svg").read_text(encoding="utf-8"))
    )
    texts = [path.read_text(encoding="utf-8") for path in TEMPLATES]
    asked = {name for text in texts for name in re.findall(r'icon\("(\w+)"', text)}
    asked |= {
        name
        for text in texts
        for pair in re.findall(r'icon\("(\w+)" if [^)]*? else "(\w+)"', text)
        for name in pair
    }
    assert asked - drawn == set()
    assert len(asked) > 10


def test_every_class_with_a_meaning_has_a_rule():
    chips = ("good", "warn", "bad", "live")
    for kind, tone in product((".chip", ".toast"), chips[:3]):
        assert f"{kind}.{tone}" in CSS


def test_vendored_files_bring_their_licence():
    static = WEB.joinpath("static")
    assert "Zero-Clause BSD" in static.joinpath("htmx.LICENSE.txt").read_text(encoding="utf-8")
    assert 'version:"2.0' in static.joinpath("htmx.min.js").read_text(encoding="utf-8")
