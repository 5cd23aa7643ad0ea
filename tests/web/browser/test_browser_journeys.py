"""What people come for, from log-in to the audit trail, done by hand in a browser."""

import csv
import json
import re
import zipfile

from plimsoll.domain.people import owner


def rows(page):
    """Return the lines of the worklist that are on the page."""
    return page.locator("#list tr[data-line]")


def focused(page):
    """Return tag and name of what has the focus."""
    return page.evaluate("[document.activeElement.tagName, document.activeElement.name || '']")


def test_a_wrong_password_is_told_and_the_right_one_leads_where_one_wanted_to_go(visitor):
    kim = visitor()
    kim.expected = {401, 403}
    page = kim.go("/recommendations?kind=purchase")
    assert page.url.endswith("/login?next=%2Frecommendations%3Fkind%3Dpurchase")
    page.get_by_label("User name").fill("kim")
    page.get_by_label("Password").fill("not it at all")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("alert").wait_for()
    kim.picture("log-in-refused")
    assert page.get_by_label("User name").input_value() == "kim"
    assert page.get_by_label("Password").input_value() == ""
    page.get_by_label("Password").fill("four words nobody joins")
    page.keyboard.press("Enter")
    page.wait_for_url("**/recommendations?kind=purchase")
    assert page.get_by_role("heading", level=1).inner_text() == "Recommendations"


def test_the_twenty_are_opened_owned_put_off_and_closed(visitor):
    kim = visitor("kim")
    page = kim.go("/today")
    kim.picture("today")
    cards = page.locator("li[data-exception]")
    assert cards.count() == 20
    ids = [card.get_attribute("data-exception") for card in cards.all()]
    first, second, third = (page.locator(f'li[data-exception="{each}"]') for each in ids[:3])

    first.locator("details.more > summary").click()
    first.locator("details.more > p").first.wait_for()
    kim.picture("today-exception-open")
    first.get_by_role("button", name="Take").click()
    kim.toast("It is yours now.")
    assert "You" in first.locator(".who").inner_text()

    second.locator("summary", has_text="Snooze").click()
    second.get_by_role("button", name="Next week").click()
    kim.toast("Put off until 2026-11-09.")  # a week from the day of the visit, not of the plan

    third.locator("summary", has_text="Close").click()
    kim.picture("today-exception-close")
    third.locator('button[name="outcome"]').first.click()
    kim.toast("Closed.")

    page = kim.go("/today")
    left = [card.get_attribute("data-exception") for card in page.locator("li[data-exception]").all()]
    assert ids[0] in left
    assert not {ids[1], ids[2]} & set(left)


def test_the_worklist_is_worked_by_the_keyboard_alone(visitor):
    kim = visitor("kim")
    page = kim.go("/today")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/recommendations?status=proposed")
    page.wait_for_load_state("networkidle")
    lines = [row.get_attribute("data-line") for row in rows(page).all()]
    now = page.locator("#list tr.now")

    page.keyboard.press("?")
    page.locator("dialog#help[open]").wait_for()
    kim.picture("keys")
    page.keyboard.press("Escape")
    assert page.locator("dialog#help[open]").count() == 0

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert now.get_attribute("data-line") == lines[1]
    page.keyboard.press("k")
    assert now.get_attribute("data-line") == lines[0]

    page.keyboard.press("o")
    page.locator(f'#panel [data-panel="{lines[0]}"]').wait_for()
    page.wait_for_load_state("networkidle")
    kim.picture("recommendation-open")
    page.keyboard.press("Escape")
    assert page.locator("#panel [data-panel]").count() == 0

    page.keyboard.press("a")
    page.locator(f'tr[data-line="{lines[0]}"]', has_text="Accepted").wait_for()
    assert now.get_attribute("data-line") == lines[1]

    page.keyboard.press("r")
    page.locator("tr.editor select[name=reason]").wait_for()
    assert focused(page) == ["SELECT", "reason"]
    kim.picture("refuse")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("tr.editor input[name=text]").focus()
    page.keyboard.type("We have enough of it elsewhere.")
    page.keyboard.press("Enter")
    page.locator(f'tr[data-line="{lines[1]}"]', has_text="Refused").wait_for()
    kim.picture("worklist-after-keys")


def line_of(workbench, row):
    """Return a line as the desk knows it, by its row on the page."""
    return workbench.app.state.desk.line(row.get_attribute("data-line"), owner("root")).line


def test_a_quantity_is_changed_with_a_reason_and_the_panel_tells_both(visitor, workbench):
    kim = visitor("kim")
    page = kim.go("/recommendations?status=proposed&kind=purchase&sort=value")
    row = page.locator(f'tr[data-line="{rows(page).first.get_attribute("data-line")}"]')
    before = line_of(workbench, row)
    row.click()
    page.keyboard.press("c")
    form = page.locator("tr.editor form")
    form.get_by_label("Quantity").fill(str(round(before["quantity"]) + 1))
    form.get_by_role("button", name="Save change").click()
    # Without a reason the browser does not send it: the field is asked for where it stands.
    assert form.locator("select:invalid").count() == 1
    form.get_by_label("Why?").select_option(index=1)
    form.get_by_label("In your words").fill("One more for the fair.")
    kim.picture("change")
    form.get_by_role("button", name="Save change").click()
    page.locator(f"{row_selector(row)}.new", has_text="Changed").wait_for()
    after = line_of(workbench, row)
    assert after["status"] == "changed"
    assert after["quantity_eff"] == round(before["quantity"]) + 1
    assert after["quantity"] == before["quantity"]
    row.locator("td.item a").click()
    page.locator("#panel .events", has_text="One more for the fair.").wait_for()
    kim.picture("change-told")
    # The item's own page tells of it too.
    kim.go(f"/items/{before['item_id']}/{before['to_location_id']}")
    page.locator("#log li", has_text="One more for the fair.").wait_for()


def row_selector(row):
    """Return the selector of a row that stays true when it is drawn anew."""
    return f'tr[data-line="{row.get_attribute("data-line")}"]'


def test_a_target_is_tried_set_and_cleared_beside_what_was_computed(visitor):
    kim = visitor("kim")
    kim.expected = {422}  # a share typed where percent are asked for
    page = kim.go("/items?sort=-money_at_risk")
    page.locator("#list td.item a").first.click()
    page.wait_for_load_state("networkidle")
    kim.picture("item", whole=True)
    page.get_by_role("link", name="Set a value").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("What?").select_option("target.service")
    dialog.get_by_label("Value").fill("0.995")
    dialog.get_by_label("Why?").select_option(index=1)
    dialog.get_by_label("In your words").fill("The customer pays for it.")
    dialog.get_by_role("button", name="Try it").click()
    page.locator("dialog[open] [role=alert]", has_text="type 99.5").wait_for()
    kim.picture("override-refused")
    dialog.get_by_label("Value").fill("99.5")
    dialog.get_by_role("button", name="Try it").click()
    page.locator("dialog[open] .trial").wait_for()
    kim.picture("override-tried")
    page.locator("dialog[open]").get_by_role("button", name="Set it").click()
    told = page.locator("tr.is-set", has_text="The customer pays for it.")
    told.wait_for()
    assert {"98.5 %", "99.5 %"} <= set(told.locator("td.num").all_inner_texts())
    assert "kim" in told.inner_text()
    told.scroll_into_view_if_needed()
    kim.picture("override-set")
    told.get_by_role("link", name="Clear").click()
    page.locator("dialog[open]").get_by_label("Why?").fill("Asked again, they do not.")
    page.get_by_role("button", name="Clear it").click()
    kim.toast("is cleared")


def test_of_two_on_one_line_the_second_is_told_and_nothing_is_overwritten(visitor, workbench):
    kim, lee = visitor("kim"), visitor("lee")
    lee.expected = {409}
    pages = [each.go("/recommendations?status=proposed&kind=purchase&sort=-value") for each in (kim, lee)]
    number = rows(pages[0]).nth(2).get_attribute("data-line")
    first, second = (page.locator(f'tr[data-line="{number}"]') for page in pages)
    first.locator('button[data-act="refuse"]').click()
    pages[0].locator("tr.editor select[name=reason]").select_option(index=1)
    pages[0].get_by_role("button", name="Refuse line").click()
    pages[0].locator(f'tr[data-line="{number}"].new', has_text="Refused").wait_for()

    second.locator('button[data-act="accept"]').click()
    told = pages[1].locator("tr.told")
    told.wait_for()
    lee.picture("second-is-told")
    assert "kim" in told.inner_text().lower()
    assert "Refused" in second.inner_text()
    assert line_of(workbench, second)["status"] == "refused"


def test_what_a_filter_finds_is_accepted_sent_fetched_and_found_in_the_trail(visitor, workbench, tmp_path):
    lee = visitor("lee")
    page = lee.go("/recommendations?status=proposed&kind=transfer")
    n = int(re.search(r"of ([\d,]+)", page.locator(".pager").inner_text())[1])
    assert n > 1
    page.get_by_role("link", name=f"Accept all {n}").click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    lee.picture("accept-all")
    dialog.get_by_role("button", name=f"Accept {n}").click()
    lee.toast(f"{n} lines accepted.")
    page.locator("#list .empty").wait_for()
    lee.picture("nothing-left")

    page = lee.go("/exports")
    waiting = int(page.locator("#waiting a").inner_text().split()[0])
    assert waiting >= n
    lee.picture("exports-waiting")
    page.get_by_role("button", name=f"Send {waiting} lines").click()
    lee.toast(f"left with {waiting} lines.")
    lee.picture("exports-sent")
    batch = page.locator("#list tbody tr").first
    files = {}
    for ending in ("CSV", "XLSX", "JSON"):
        with page.expect_download() as got:
            batch.get_by_role("link", name=ending).click()
        files[ending] = tmp_path / got.value.suggested_filename
        got.value.save_as(files[ending])
    with files["CSV"].open(newline="", encoding="utf-8-sig") as file:
        sent = list(csv.DictReader(file))
    assert len(sent) == waiting
    assert sum(line["action"] == "transfer" for line in sent) == n
    assert len(json.loads(files["JSON"].read_text())["lines"]) == waiting
    assert zipfile.is_zipfile(files["XLSX"])

    # A second send finds nothing: no line leaves twice.
    page = lee.go("/exports")
    assert page.get_by_role("button", name="Send").count() == 0
    states = workbench.app.state.desk.line(sent[0]["line_id"], owner("root")).line
    assert states["status"] == "exported"

    page = lee.go(f"/audit?object_id={sent[0]['line_id']}")
    page.locator("#chain .chip", has_text="Whole").wait_for()
    trail = page.locator("#list tbody").inner_text().lower()
    assert "accepted" in trail
    assert "exported" in trail
    assert page.locator("#list tbody del").count() >= 1
    lee.picture("audit-trail")


def test_a_view_is_kept_under_a_name_and_found_again(visitor):
    kim = visitor("kim")
    page = kim.go("/recommendations?kind=purchase&sort=-value")
    page.locator("summary[aria-label='Saved views']").click()
    page.get_by_label("Name of the view").fill("Purchases by money")
    kim.picture("keep-view")
    page.get_by_role("button", name="Keep this view").click()
    kim.toast("Purchases by money")
    page = kim.go("/recommendations")
    page.locator("summary[aria-label='Saved views']").click()
    page.get_by_role("link", name="Purchases by money").click()
    page.wait_for_url(re.compile("kind=purchase"))
    assert "sort=-value" in page.url


def test_day_and_night_are_chosen_and_kept(visitor):
    kim = visitor("kim", color_scheme="light")
    page = kim.go("/today")
    paper = "getComputedStyle(document.querySelector('.top')).backgroundColor"
    day = page.evaluate(paper)
    page.get_by_role("button", name="Switch between light and dark").click()
    night = page.evaluate(paper)
    assert night != day
    page = kim.go("/recommendations?status=proposed")
    assert page.evaluate(paper) == night
    kim.picture("worklist-dark")
    kim.go("/today")
    kim.picture("today-dark")


def test_the_first_link_makes_the_admin_who_makes_the_first_plan(visitors, newborn):
    server, code = newborn
    ann = visitors(server)
    page = ann.go(f"/welcome?code={code}")
    ann.picture("welcome")
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password", exact=False).first.fill("four words nobody joins")
    page.get_by_label("Password again").fill("four words nobody joins")
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url("**/today")
    page.wait_for_load_state("networkidle")
    ann.picture("today-without-plan")
    for asked in ("/recommendations?status=proposed", "/exceptions?status=open", "/items?abc=A"):
        ann.go(asked)
        assert page.locator(".empty").count() == 1
    ann.go("/today")
    page.get_by_role("link", name="To Runs").click()
    page.get_by_role("button", name="Make a plan").click()
    page.locator("#job progress").wait_for()
    ann.picture("plan-under-way")
    page.locator("#job .chip", has_text="Done").wait_for(timeout=120_000)
    page.wait_for_load_state("networkidle")
    ann.picture("plan-made")
    assert page.locator("#list tbody tr", has_text="plan-000001").count() == 1
    ann.go("/today")
    assert page.locator(".tiles a").count() == 4
    # The link was good once.
    other = visitors(server)
    other.expected = {401, 403, 404, 410, 422}
    page = other.go(f"/welcome?code={code}")
    assert page.get_by_label("Your name").count() == 0
    other.picture("welcome-used-up")
