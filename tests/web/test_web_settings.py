"""Settings as a browser meets them: the rule and its switch, options, saved views, users."""

import re
from html import unescape

from plimsoll.domain.people import owner
from plimsoll.web import settings_pages
from plimsoll.workflows import people, views
from plimsoll.workflows.options import options

ME = owner("root")
HOSTILE = '<script>alert(1)</script>"><img src=x>'


def option(app, name):
    known = options(app.state.folder, ME, at=app.state.clock())
    return next(each for each in known if f"{each.section}.{each.name}" == name)


def user(app, name):
    return next((each for each in people.users(app.state.folder, ME) if each.username == name), None)


def test_a_planner_stops_acceptance_by_rule_and_only_an_admin_starts_it(pages_app, pages_kim, pages_ann):
    assert 'action="/settings/automatic/stop"' in pages_kim.get("/settings").text
    assert (
        pages_kim.post("/settings/automatic/stop", reason="prices are wrong").headers["location"]
        == "/settings"
    )
    assert option(pages_app, "accept.stopped").value is True
    page = pages_kim.get("/settings").text
    assert "Switched last by kim" in page
    assert "prices are wrong" in page
    assert "automatic/start" not in page
    assert pages_kim.post("/settings/automatic/start").status_code == 403
    assert 'action="/settings/automatic/start"' in pages_ann.get("/settings").text
    pages_ann.post("/settings/automatic/start", reason="put right")
    assert option(pages_app, "accept.stopped").value is False


OPTIONS_SET = (
    ("accept.max_value", "2500", 2500.0),
    ("accept.enabled", "yes", True),
    ("accept.classes", "A, B", ["A", "B"]),
    ("export.webhook_url", "https://erp.example/orders", "https://erp.example/orders"),
    ("plan.seed", "7", 7),
)


def test_options_are_set_over_the_file_with_who_and_why(pages_app, pages_ann):
    for n, (name, typed, value) in enumerate(OPTIONS_SET, 1):
        set_and_look(pages_app, pages_ann, name, typed, value, n)


def set_and_look(pages_app, pages_ann, name, typed, value, n):
    section, _, own = name.partition(".")
    given = {"section": section, "name": own, "value": typed, "reason": "agreed with finance"}
    done = pages_ann.click(
        "/settings/options/set", **given, until="2026-12-31", back="/settings/options?only=set"
    )
    assert done.headers["hx-redirect"] == "/settings/options?only=set"
    assert option(pages_app, name).value == value
    page = pages_ann.get("/settings/options?only=set").text
    assert page.count('<tr class="is-set">') == n
    for words in ("ann", "agreed with finance", "until 2026-12-31 23:59", settings_pages.said(value)):
        assert words in page


OPTIONS_REFUSED = (
    ("accept.max_value", "-1", "greater than or equal to 0"),
    ("accept.max_value", "many", "number"),
    ("accept.enabled", "perhaps", "boolean"),
    ("accept.classes", "A, Z", "'A', 'B' or 'C'"),
    ("accept.stopped", "yes", "is not set like this"),
    ("export.webhook_url", "file:///etc/passwd", "http"),
)


def test_values_that_an_option_cannot_have_are_refused_in_the_form(pages_app, pages_ann):
    for name, typed, said in OPTIONS_REFUSED:
        section, _, own = name.partition(".")
        before = option(pages_app, name)
        answer = pages_ann.click("/settings/options/set", section=section, name=own, value=typed, reason="x")
        assert answer.status_code == 422, name
        assert said in unescape(answer.text), name
        assert option(pages_app, name) == before


def test_what_stands_in_a_field_is_read_back_as_it_was(pages_app):
    for each in options(pages_app.state.folder, ME, at=pages_app.state.clock()):
        typed = settings_pages.typed(each.value)
        assert settings_pages.read_value(typed, each) == each.value or typed == "", (
            f"{each.section}.{each.name}"
        )


def test_options_are_found_by_a_word_and_hostile_words_stay_text(pages_reader):
    page = pages_reader.get("/settings/options?q=webhook").text
    assert "export.webhook_url" in page
    assert "accept.classes" not in page
    assert "Set…" not in page  # a planner sees, an admin sets
    nothing = pages_reader.session.client.get("/settings/options", params={"q": HOSTILE}).text
    assert "No option is like that" in nothing
    assert "<script>alert" not in nothing


def test_who_may_not_is_refused(pages_kim):
    for path in ("/settings/users", "/settings/users/ann", "/settings/options/set?section=plan&name=seed"):
        assert pages_kim.get(path).status_code == 403
    for path in (
        "/settings/users",
        "/settings/users/vic",
        "/settings/users/vic/lock",
        "/settings/users/vic/link",
    ):
        assert pages_kim.post(path, version="1").status_code == 403
    assert pages_kim.post("/settings/options/set", section="plan", name="seed").status_code == 403
    assert "/settings/users" not in pages_kim.get("/settings").text


def test_a_view_is_kept_offered_and_forgotten_by_its_owner_alone(pages_app, pages_kim, pages_vic):
    asked = "?abc=A&sort=-money_at_risk"
    kept = pages_kim.click("/settings/views", list="items", name=HOSTILE, query=asked)
    assert kept.status_code == 200
    menu = pages_kim.part("/settings/views/of?list=items").text
    assert "<script>alert" not in menu
    link = unescape(re.search(r'href="(/items\?[^"]+)"', menu)[1])
    listed = pages_kim.get(link).text
    assert "/settings/views/of?list=items" in listed
    n = pages_app.state.desk.listing("items", pages_app.state.desk.query("items", [("abc", "A")]), ME).total
    assert f"of <b>{n}</b>" in listed
    assert "items?" not in pages_vic.part("/settings/views/of?list=items").text
    number = views.views(pages_app.state.folder, owner("kim"))[0].id
    assert pages_vic.post(f"/settings/views/{number}/forget").status_code == 404
    pages_kim.post(f"/settings/views/{number}/forget")
    assert "No saved views yet" in pages_kim.get("/settings/views").text
    assert pages_kim.click("/settings/views", list="items", name="x", query="?nonsense=1").status_code == 422


def test_a_user_is_added_changed_locked_and_let_in_again(pages_app, pages_ann):
    given = {"username": "Zoe", "name": f"Zoe {HOSTILE}", "role": "planner", "locations": "DC1, DC2"}
    added = pages_ann.post("/settings/users", **given, approval_limit="5000")
    assert added.headers["location"] == "/settings/users/zoe"
    made = user(pages_app, "zoe")
    assert (made.role, made.locations, made.categories, made.approval_limit) == (
        "planner",
        ("DC1", "DC2"),
        None,
        5000.0,
    )
    page = pages_ann.get("/settings/users/zoe").text
    assert "<script>alert" not in page
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    changed = {"name": "Zoe", "role": "approver", "version": version}
    pages_ann.post("/settings/users/zoe", **changed)
    made = user(pages_app, "zoe")
    assert (made.role, made.locations, made.approval_limit) == ("approver", None, None)
    assert pages_ann.post("/settings/users/zoe", **changed).status_code == 409  # the version has moved on
    pages_ann.post("/settings/users/zoe/lock", locked="yes")
    assert user(pages_app, "zoe").locked_at is not None
    assert "Locked" in pages_ann.get("/settings/users").text
    pages_ann.post("/settings/users/zoe/lock", locked="no")
    assert user(pages_app, "zoe").locked_at is None


def test_a_link_to_set_a_password_is_shown_once_and_works(pages_ann):
    answer = pages_ann.post("/settings/users/vic/link")
    link = unescape(re.search(r"<code class=\"seal\">([^<]+)</code>", answer.text)[1])
    assert "/welcome?code=" in link
    assert link.split("?")[1] not in pages_ann.get("/settings/users/vic").text
    assert "vic" in pages_ann.get(f"/{link.split('/', 3)[3]}").text


USERS_REFUSED = (
    ({"username": "a b"}, "cannot be a user name"),
    ({"username": "kim"}, "kim"),
    ({"name": ""}, "name is missing"),
    ({"role": "king"}, "no role"),
    ({"approval_limit": "-5"}, "not a quantity"),
    ({"email": "nonsense"}, "not an email"),
)


def test_users_that_make_no_sense_are_refused_and_what_was_typed_stays(pages_app, pages_ann):
    n = len(people.users(pages_app.state.folder, ME))
    for wrong, said in USERS_REFUSED:
        given = {"username": "zoe", "name": "Zoe", "role": "planner", "categories": "Pumps"}
        answer = pages_ann.post("/settings/users", **(given | wrong))
        assert answer.status_code == 422, wrong
        assert said in unescape(answer.text), wrong
        assert 'value="Pumps"' in answer.text
    assert len(people.users(pages_app.state.folder, ME)) == n


def test_the_last_admin_cannot_be_made_a_viewer(pages_app, pages_ann):
    page = pages_ann.get("/settings/users/ann").text
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    answer = pages_ann.post("/settings/users/ann", name="Ann", role="viewer", version=version)
    assert answer.status_code == 422
    assert user(pages_app, "ann").role == "admin"


def test_the_rule_in_words_says_what_the_options_say(pages_app, pages_reader):
    page = pages_reader.get("/settings").text
    assert "B or C" in page
    assert "grade B or better" in page
    assert f"at most {option(pages_app, 'accept.max_value').value:,.0f}" in page
