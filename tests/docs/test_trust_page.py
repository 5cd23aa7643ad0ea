"""The page on trust: every rule's limit and every verdict on it is the program's."""

from pathlib import Path

from plimsoll.present.calibration import GRADES, verdict
from plimsoll.signals import SignalParams, trust_rules

PAGE = (Path(__file__).parents[2] / "docs" / "tasks" / "trust-the-promise.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")]


def test_every_verdict_is_explained():
    cases = [(0.0, 0.01), (-0.1, 0.01), (0.1, 0.01), (0.0, 0.1), (0.0, None)]
    for words in {verdict(*case)[0] for case in cases}:
        assert any(row.startswith(f"| {words} |") for row in ROWS), words


def test_every_grade_is_explained():
    for grade, meaning in GRADES.items():
        head = "no grade" if grade == "-" else f"{grade}, {meaning[0].lower()}{meaning[1:].replace(',', '')}"
        assert any(row.startswith(f"| {head} |") for row in ROWS), head


def test_limits_are_those_in_force():
    params = SignalParams()
    for gap in params.trust_gaps:
        assert f"{100 * gap:g} points" in PAGE
    best, good, least = params.trust_demands
    for words in (
        f"in {best} periods or more",
        f"in {good} to {best - 1} periods",
        f"in {least} to {good - 1}",
    ):
        assert words in PAGE
    assert params.trust_windows_min == 3
    assert params.trust_chance == 0.01
    assert set(trust_rules()["grade"]) == set(GRADES) - {"A"}
