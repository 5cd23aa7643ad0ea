"""Every code that the import can give has its sentences, and every sentence has its code."""

import re
from pathlib import Path

import pytest

from plimsoll import ingest
from plimsoll.domain.errors import PlimsollError
from plimsoll.ingest.messages import finding, finding_codes, quarantine_finding, quarantine_reasons

SOURCE = "\n".join(file.read_text() for file in Path(ingest.__file__).parent.glob("*.py"))
FILLED = {
    "order": "day", "column": "location_id", "as_of": "2024-01-01", "supplier": "S", "units": "5",
    "last": "2023-01-01", "today": "2024-01-01", "missing": "date", "counts": "months", "first": "2000-01-01",
    "given": "9", "example": "x", "unit": "weeks", "header": "days", "middle": "400 days",
    "start": "2020-01-01",
}  # fmt: skip
GIVEN_BY_TYPE = {"not_a_number", "not_a_date", "not_true_or_false", "unknown_choice"}
BUILT = {"unknown_item", "unknown_location", "no_rows", "none_open", "demand_ends_early", "stock_is_old"} | {
    "terms_unused", "container_not_measured",
}  # fmt: skip


def test_every_reason_has_a_sentence_and_is_given():
    given = {code for code in quarantine_reasons() if f'"{code}"' in SOURCE}
    assert given == set(quarantine_reasons())
    assert all(re.fullmatch(r"Rows [a-z].*\.", sentence) for sentence in quarantine_reasons().values())


def test_every_reason_in_the_code_is_in_the_registry():
    called = set(re.findall(r'_Fault\([^,]+, "(\w+)"', SOURCE)) | set(
        re.findall(r'reasons\["(\w+)"\]', SOURCE)
    )
    called |= set(re.findall(r'pl\.lit\("((?:duplicate|absurd)_\w+)"\)', SOURCE)) | GIVEN_BY_TYPE
    assert called == set(quarantine_reasons())


def test_every_finding_in_the_code_is_in_the_registry():
    called = set(re.findall(r'\bfinding\(\s*"(\w+)"', SOURCE))
    assert all(f'"{code}"' in SOURCE for code in BUILT if not code.startswith("unknown"))
    called |= BUILT
    own = {code for code in finding_codes() if not code.startswith("quarantine_")}
    assert called == own


@pytest.mark.parametrize("n", [1, 12_345])
@pytest.mark.parametrize("code", finding_codes())
def test_every_finding_reads_as_sentences(code, n):
    reason = code.removeprefix("quarantine_")
    if code.startswith("quarantine_"):
        found = quarantine_finding(reason, "demand", n, "a.csv row 3")
    else:
        found = finding(code, "demand", n, "A-1", **FILLED)
    for sentence in (found.what, found.why, found.done, found.remedy):
        assert re.fullmatch(r"[A-Z0-9].*[.]", sentence), sentence
        assert "{" not in sentence.replace("{ ", ""), sentence
        assert not re.search("[<|>]", sentence), sentence
        several_of_one = r"\b1 (rows|items|locations|points|lanes|tables|days|cells|values)\b"
        assert not re.search(several_of_one, sentence), sentence


def test_error_has_the_same_shape_for_every_door():
    with pytest.raises(PlimsollError) as caught:
        ingest.find_mapping("nowhere.toml")
    assert set(caught.value.as_dict()) == {"error", "what", "why", "done", "remedy"}
    assert caught.value.exit_code == 2
