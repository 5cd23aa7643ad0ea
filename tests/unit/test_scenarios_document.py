"""The document of a scenario: what may be written, what is refused, and that it comes back as it was."""

from datetime import date

import pytest

from plimsoll.domain.disruptions import disruptions_in
from plimsoll.domain.errors import InputError
from plimsoll.domain.scenarios import FORMS, KINDS, Scenario, document, read

WHOLE = """
name = "port-strike"
note = "Die Häfen \\"stehen\\" \\\\ still"

[[change]]
kind = "outage"
from = "ACME"
days = 21
start = 2026-12-01

[[change]]
kind = "demand"
factor = 1.25
customer = "C1"
start = 2026-12-01
end = "2026-12-31"
"""


def one(**change):
    return read({"name": "s", "change": [change]})


def test_a_document_is_read_and_written_again():
    scenario = read(document(WHOLE))
    outage, surge = scenario.changes
    assert (outage.kind, outage.from_, outage.days, outage.start) == (
        "outage",
        "ACME",
        21.0,
        date(2026, 12, 1),
    )
    assert (surge.scope, surge.end) == ({"customer": "C1"}, date(2026, 12, 31))
    assert read(document(scenario.as_toml())) == scenario
    assert read(scenario.as_data()) == scenario


def test_whatever_a_text_holds_comes_back():
    wild = 'a"b\\c\n\t[[change]]\x07é=🙂'
    assert read(document(Scenario("s", note=wild).as_toml())).note == wild


def test_every_kind_has_a_form_and_reads_what_it_needs():
    for kind in KINDS:
        form = FORMS[kind]
        data = {"kind": kind} | dict.fromkeys(form.needs, "X")
        data |= dict.fromkeys(list(form.amounts)[:1], 0.5) | ({"new_from": "Y"} if kind == "source" else {})
        assert one(**data).changes[0].kind == kind
        assert str(one(**data).changes[0]).startswith(kind)


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"kind": "demnd", "factor": 1.0}, "no kind of change 'demnd'", "Did you mean 'demand'?"),
        ({"kind": "delay", "dys": 3}, "There is no 'dys' in change 1", "Did you mean 'days'?"),
        ({"kind": "delay"}, "needs days or factor, and one only", ""),
        ({"kind": "delay", "days": 3, "factor": 2}, "and one only", ""),
        ({"kind": "outage", "days": 3}, "needs 'from'", 'Add from = "…".'),
        ({"kind": "demand", "factor": -1}, "factor = -1 is not usable", "at least 0 and at most 100"),
        ({"kind": "demand", "factor": float("nan")}, "is not usable", ""),
        ({"kind": "demand", "factor": True}, "is not usable", ""),
        ({"kind": "demand", "factor": "2"}, "is not usable", ""),
        ({"kind": "target", "value": 98}, "value = 98", "for 98 % write 0.98"),
        ({"kind": "price", "factor": 1, "from": "A"}, "no 'from' in change 1", ""),
        ({"kind": "demand", "factor": 1, "item": ["A"]}, "'item' is not a text", ""),
        ({"kind": "demand", "factor": 1, "start": "soon"}, "start = soon is not a day", "2026-03-31"),
        ({"kind": "demand", "factor": 1, "start": "2026-02-02", "end": "2026-02-01"}, "before it begins", ""),
        ({"kind": "goal", "value": 0.9, "metric": "unit"}, "no metric 'unit'", "Did you mean 'units'?"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_the_way_out(change, what, remedy):
    with pytest.raises(InputError) as refused:
        one(**change)
    assert what in refused.value.what
    assert remedy in refused.value.remedy


@pytest.mark.parametrize("name", ["", "../etc", "A", "a/b", "x" * 61, 7, "-a"])
def test_a_name_is_safe_as_the_name_of_a_file(name):
    with pytest.raises(InputError, match="not usable as the name"):
        read({"name": name})


def test_no_toml_is_refused_with_the_line():
    with pytest.raises(InputError, match=r"not valid TOML.*line 2"):
        document('name = "s"\nnote = = 1')


def test_disruptions_are_told_apart_by_what_they_hit():
    text = "\n".join(
        f'[[disruption]]\nname = "d{k}"\nprobability = 0.1\n{rest}'
        for k, rest in enumerate(
            (
                'kind = "outage"\nfrom = "ACME"\ndays = 3',
                'kind = "delay"\nfrom = "ACME"\nlocation = "DC1"\nfactor = 2',
                'kind = "demand"\ncustomer = "C1"\nfactor = 2',
                'kind = "delay"\ncategory = "seals"\ndays = 2',
            )
        )
    )
    found = disruptions_in(text)
    assert [each.subject_kind for each in found] == ["supplier", "lane", "customer", "mixed"]
    assert [each.subject for each in found] == ["ACME", "ACME > DC1", "C1", "category seals"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "does not list"),
        ("disruptions = []", "does not list"),
        ("disruption = 3", "does not list"),
        ("disruption = [3]", "is not a table"),
        ("[[disruption]]\nprobability = 0.1", "has no name"),
        ('[[disruption]]\nname = "a"\nprobability = 2', "no probability"),
        ('[[disruption]]\nname = "a"\nprobability = 0.1\nkind = "price"\nfactor = 2', "of kind price"),
        ('[[disruption]]\nname="a"\nprobability=0\nkind="delay"\ndays=1\n' * 2, "Two disruptions"),
    ],
)
def test_disruptions_that_make_no_sense_are_refused(text, what):
    with pytest.raises(InputError, match=what):
        disruptions_in(text)
