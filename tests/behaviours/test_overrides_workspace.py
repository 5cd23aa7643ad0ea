"""Overrides of a workspace: set, planned with, expired, withdrawn; who may, and what is logged."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from plimsoll.domain.decisions import Unknown
from plimsoll.domain.errors import InputError
from plimsoll.domain.manifest import Manifest
from plimsoll.domain.overrides import Override
from plimsoll.domain.people import Forbidden, Person
from plimsoll.domain.tables import table
from plimsoll.store import Workspace, audit_log
from plimsoll.store.overrides import overrides_in_force
from plimsoll.workflows.explain import alternatives, point_tables, waterfalls
from plimsoll.workflows.overrides import overrides, set_override, try_override, withdraw_override
from plimsoll.workflows.plan import make_plan

AS_OF = date(2026, 6, 28)
AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
KIM = Person("kim", "Kim", "planner")
LEE = Person("lee", "Lee", "planner", locations=("BR",))
EVE = Person("eve", "Eve", "viewer")
ODD = "=cmd|' /C calc'!A1 <script>alert(1)</script> '; DROP TABLE override_value; --"


def rows(name, given):
    return table(name).conform(pl.DataFrame(given, schema=table(name).schema, orient="row"))


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """A is sold at BR, which DC feeds, which S1 feeds; B is bought at BR from S2; the plan is made."""
    folder = tmp_path_factory.mktemp("overrides") / "shop"
    demand = [
        {
            "date": AS_OF - timedelta(days=n),
            "item_id": item,
            "location_id": "BR",
            "quantity": float(1 + n % 4),
            "order_id": f"{item}{n}",
        }
        for n in range(400)
        for item in "AB"
    ]
    ways = [("A", "BR", "DC", 3.0), ("A", "DC", "S1", 20.0), ("B", "BR", "S2", 14.0)]
    names = ("item_id", "to_location_id", "from_location_id", "lead_time_days_set")
    facts = {
        "items": rows("items", [{"item_id": i, "unit_cost": 10.0, "category": c} for i, c in ("Ax", "By")]),
        "demand": rows("demand", demand),
        "lanes": rows("lanes", [dict(zip(names, way, strict=True)) for way in ways]),
        "locations": rows(
            "locations", [{"location_id": p, "kind": k} for p, k in (("BR", "branch"), ("DC", "dc"))]
        ),
    }
    with Workspace.create(folder) as workspace:
        inputs = {name: str(frame.hash_rows().sum()) for name, frame in facts.items()}
        workspace.publish_import(facts, Manifest("import", "1", AS_OF, 0, {}, inputs), at=AT)
    first = make_plan(folder, at=AT).run_id
    yield folder, first
    with Workspace.open(folder) as workspace:  # whatever the tests below did, the log of it is whole
        assert audit_log.verify(workspace).broken == ""


def asked(kind="target", field="service", value=0.99, **given):
    return Override(kind, field, value, **{"reason_code": "cash", **given})


def test_a_plan_knows_an_override_until_it_expires_or_is_withdrawn(planned):
    folder, first = planned
    early = AT - timedelta(days=30)
    until = asked(item_id="A", expires_at=date(2026, 6, 3))
    done = set_override(folder, until, KIM, at=early)
    assert (done.n_rows, done.override.author, done.override.created_at) == (2, "kim", early)
    assert done.override.value_old is None  # the network decides at DC, so that BR has another
    second = make_plan(folder, at=early + timedelta(hours=1))
    assert second.run_id != first
    assert second["target"].filter(item_id="A")["target_service_eff"].to_list() == [0.99, 0.99]
    assert second["override_effect"]["override_id"].to_list() == [done.override.id] * 2
    with Workspace.open(folder) as workspace:
        told = workspace.run(second.run_id).manifest["parameters"]["overrides"]
        assert [(each["id"], each["value"], each["item_id"]) for each in told] == [
            (done.override.id, 0.99, "A")
        ]
        assert overrides_in_force(workspace, early)["override_id"].to_list() == [done.override.id]
        assert overrides_in_force(workspace, early - timedelta(seconds=1)).is_empty()
        assert overrides_in_force(workspace, early + timedelta(days=3)).is_empty()
    assert make_plan(folder, at=early + timedelta(days=3)).run_id == first
    assert make_plan(folder, at=early + timedelta(days=1)).run_id == second.run_id
    gone = withdraw_override(folder, done.override.id, KIM, at=early + timedelta(days=1), reason="a mistake")
    assert (gone.withdrawn_by, gone.withdrawn_why) == ("kim", "a mistake")
    assert make_plan(folder, at=early + timedelta(days=1)).run_id == first
    with pytest.raises(InputError, match=r"withdrawn on 2026-06-02 by kim already.*a mistake"):
        withdraw_override(folder, done.override.id, KIM, at=early + timedelta(days=2), reason="again")


def test_every_change_is_in_the_log_with_old_and_new_value(planned):
    folder, _ = planned
    done = set_override(folder, asked("lead_time", "days", 30, from_location_id="S1"), KIM, at=AT)
    withdraw_override(folder, done.override.id, KIM, at=AT, reason="back")
    with Workspace.open(folder) as workspace:
        events, n = audit_log.page(workspace, object_type="override", object_id=done.override.id)
        assert audit_log.verify(workspace).broken == ""
    assert n == 2
    assert events["action"].to_list() == ["withdraw_override", "set_override"]
    assert events["actor"].unique().to_list() == ["kim"]
    assert '"value":20.0' in events["old"][1]
    assert '"value":30.0' in events["new"][1]
    assert '"withdrawn_why":"back"' in events["new"][0]


def test_names_that_the_plan_does_not_have_are_answered(planned):
    folder, _ = planned
    for scope, said in (
        ({"item_id": "a"}, "no item 'a'"),
        ({"location_id": "BRR"}, "no location 'BRR'.*Did you mean 'BR'"),
        ({"category": "z"}, "no category 'z'"),
        ({"from_location_id": ODD}, "no supplier or source '=cmd"),
        ({"item_id": "B", "location_id": "DC"}, "item B at DC at once.*kept at BR"),
    ):
        with pytest.raises(Unknown, match=said):
            set_override(folder, asked(**scope), KIM, at=AT)
    with pytest.raises(InputError, match="ends on 2026-06-28; the plan knows demand up to 2026-06-28"):
        set_override(folder, asked("forecast", "factor", 2, end=AS_OF), KIM, at=AT)
    with Workspace.create(folder.parent / "new") as workspace, pytest.raises(InputError, match="no plan yet"):
        set_override(workspace.path, asked(), KIM, at=AT)


def test_text_is_kept_as_it_is(planned):
    folder, _ = planned
    done = set_override(folder, asked(reason_text=ODD, item_id="B", value=0.9), KIM, at=AT)
    found = overrides(folder, KIM, at=AT).filter(override_id=done.override.id)
    assert found["reason_text"].to_list() == [ODD]
    withdraw_override(folder, done.override.id, KIM, at=AT, reason=ODD)
    assert overrides(folder, KIM, at=AT).filter(override_id=done.override.id).is_empty()
    (row,) = overrides(folder, KIM, at=AT, every=True).filter(override_id=done.override.id).to_dicts()
    assert (row["status"], row["withdrawn_why"]) == ("withdrawn", ODD)


def test_role_and_scope_are_kept(planned):
    folder, _ = planned
    for who in (EVE, replace(LEE, role="viewer")):
        with pytest.raises(Forbidden, match="may not set a target"):
            set_override(folder, asked(location_id="BR"), who, at=AT)
    everywhere = set_override(folder, asked(value=0.9), KIM, at=AT).override
    with pytest.raises(Forbidden, match="reach 1 points that are not yours"):
        set_override(folder, asked(item_id="A"), LEE, at=AT)
    with pytest.raises(Unknown, match="no location 'DC'"):  # as if it did not exist
        set_override(folder, asked(location_id="DC"), LEE, at=AT)
    with pytest.raises(Unknown, match=f"no override '{everywhere.id}'"):
        withdraw_override(folder, everywhere.id, LEE, at=AT, reason="mine?")
    with pytest.raises(Unknown, match="no override 'O99999'"):
        withdraw_override(folder, "O99999", KIM, at=AT, reason="?")
    with pytest.raises(Forbidden):
        withdraw_override(folder, everywhere.id, EVE, at=AT, reason="?")
    mine = set_override(folder, asked(location_id="BR", value=0.91), LEE, at=AT)
    assert mine.n_rows == 2
    above = set_override(folder, asked(location_id="DC", value=0.92), KIM, at=AT).override
    seen = overrides(folder, LEE, at=AT)
    assert dict(seen.select("override_id", "n_rows").rows()) == {everywhere.id: 2, mine.override.id: 2}
    assert above.id in overrides(folder, EVE, at=AT)["override_id"]
    for each in (everywhere, above):
        withdraw_override(folder, each.id, KIM, at=AT, reason="done")
    withdraw_override(folder, mine.override.id, LEE, at=AT, reason="done")


def test_a_trial_records_nothing_and_says_what_it_would_do(planned):
    folder, first = planned
    before = overrides(folder, KIM, at=AT, every=True).height
    found = try_override(folder, asked(item_id="B", location_id="BR", value=0.999), EVE, at=AT)
    assert found.before["order_up_to_qty"] == found.in_force["order_up_to_qty"]
    assert found.after["order_up_to_qty"] > found.before["order_up_to_qty"]
    longer = asked("lead_time", "days", 28, item_id="B", location_id="BR")
    trial = try_override(folder, longer, KIM, at=AT)
    assert trial.after["expected_protection_qty"] == pytest.approx(35 * 2.5, rel=0.02)  # 28 and 7 days
    assert overrides(folder, KIM, at=AT, every=True).height == before
    with pytest.raises(InputError, match="of one item at one location"):
        try_override(folder, asked(item_id="B"), KIM, at=AT)
    # and the plan with it, whose laws are made of the history, is close to the trial
    done = set_override(folder, longer, KIM, at=AT).override
    planned_row = make_plan(folder, at=AT)["policy"].filter(item_id="B").row(0, named=True)
    assert trial.after["order_up_to_qty"] == pytest.approx(planned_row["order_up_to_qty"], rel=0.15)
    withdraw_override(folder, done.id, KIM, at=AT, reason="done")
    assert make_plan(folder, at=AT).run_id == first


def test_one_point_is_explained_from_its_rows(planned):
    folder, _ = planned
    tables, settings = point_tables(folder, "B", "BR")
    found = waterfalls(tables)
    level = tables["policy"]["order_up_to_qty"][0]
    assert sum(step.qty for step in found.level) == pytest.approx(level, abs=1e-9)
    assert found.level_qty == level
    assert sum(step.qty for step in found.order) == pytest.approx(found.order_qty, abs=1e-9)
    early = {"item_id": "B", "to_location_id": "BR", "quantity": 12.0, "pulled_forward": True}
    lines = pl.DataFrame([early, early | {"pulled_forward": False}])
    more = waterfalls(tables | {"line": lines})
    assert more.order[-1].qty == more.order_qty - found.order_qty == 12.0
    assert more.order[-1].code == "pulled"
    services = alternatives(tables, settings)
    assert services["target_service"].to_list() == [0.9, 0.95, 0.98, 0.99]
    assert services["on_hand_mean_qty"].is_sorted()
    asked_for = tables["target"]["target_service_eff"].to_list()
    assert alternatives(tables, settings, asked_for)["order_up_to_qty"].to_list() == [level]
    for item, place in (("Z", "BR"), ("B", "DC")):
        with pytest.raises(Unknown):
            point_tables(folder, item, place)
