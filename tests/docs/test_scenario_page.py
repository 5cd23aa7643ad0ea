"""The page on scenarios: its kinds, scopes, documents and limits are the program's."""

import re
from pathlib import Path

from plimsoll.domain.disruptions import KINDS as DISRUPTIONS
from plimsoll.domain.disruptions import disruptions_in
from plimsoll.domain.scenarios import FORMS, document, read
from plimsoll.present.scenario import FIGURES
from plimsoll.workflows.scenario_promote import MOST_LANES, ONLY_WHAT_IF

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "ask-what-if.md").read_text(encoding="utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("| ")]
ROWS = {line.split(" | ")[0].removeprefix("| "): line for line in reversed(LINES)}
DOCUMENTS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_kind_is_listed_with_its_meaning_amounts_and_scope():
    for kind, form in FORMS.items():
        _, meaning, by, scope = ROWS[kind].strip("| ").split(" | ")
        assert meaning == form.meaning
        assert set(form.amounts) <= set(re.findall(r"\w+", by)), kind
        assert set(form.scope) <= set(re.findall(r"\w+", scope)), kind
        assert {"start"} & set(re.findall(r"\w+", scope)) == ({"start"} if form.dated else set()), kind


def test_the_documents_are_read():
    scenario, risks = DOCUMENTS
    assert len(read(document(scenario)).changes) == 2
    assert disruptions_in(risks)[0].subject == "ACME"
    assert f"Kinds are {', '.join(DISRUPTIONS[:2])} and {DISRUPTIONS[2]}." in PAGE


def test_the_lines_of_the_comparison_are_explained():
    shown = set(FIGURES.values())
    told = {line for line in ROWS if line in shown}
    assert len(told) >= 6
    assert {"Expected stock", "Cash for purchases to come"} <= told


def test_what_is_promoted_and_what_is_not():
    assert f"{MOST_LANES} at the most" in PAGE
    refused = PAGE.split("are refused with the reason")[0].splitlines()[-1]
    words = {"lane_closed": "closed lane", "source": "another source"}
    for kind in ONLY_WHAT_IF:
        assert words.get(kind, kind) in refused
