"""Names, passwords, scopes and tokens as words: what is taken, and what is refused in words."""

from datetime import UTC, datetime

import polars as pl
import pytest

from plimsoll.domain import accounts
from plimsoll.domain.accounts import Token, TooManyAttempts, check_password, through_token
from plimsoll.domain.errors import InputError
from plimsoll.domain.people import ACTIONS, ROLES, Forbidden, Person, owner, require, scoped

AT = datetime(2026, 11, 21, 8, tzinfo=UTC)
GOOD = "four words nobody joins"


@pytest.mark.parametrize("typed", ["Kim", " kim ", "KIM", "ｋｉｍ"])
def test_one_person_has_one_name(typed):
    assert accounts.username(typed) == "kim"


@pytest.mark.parametrize(
    "typed", ["", " ", "kim lee", "<b>", "кim", "kim\n", "-kim", "a" * 81, "kim'--", "../kim", "kım"]
)
def test_names_that_could_pass_for_another_are_refused(typed):
    if typed == "kim\n":  # the end of a line is no part of a name
        assert accounts.username(typed) == "kim"
        return
    with pytest.raises(InputError, match="cannot be a user name"):
        accounts.username(typed)


@pytest.mark.parametrize("name", ["plimsoll", "System", "OIDC"])
def test_nobody_is_called_like_the_program(name):
    with pytest.raises(InputError, match="taken by Plimsoll"):
        accounts.username(name)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short pass", "12 to 200 characters; this one has 10"),
        ("x" * 201, "12 to 200 characters; this one has 201"),
        ("abababababab", "fewer than 5 different"),
        ("Password1234", "first that anybody tries"),
        ("P L I M S O L L 1!", "first that anybody tries"),
        ("012345678901", "first that anybody tries"),
        ("kim.lee12345", "user's own name"),
        ("kimberly-2026", "user's own name"),
    ],
)
def test_passwords_guessed_early_are_refused(password, why):
    with pytest.raises(InputError, match=why):
        check_password(password, username="kim.lee", name="Kimberly Lee")


@pytest.mark.parametrize(
    "password", [GOOD, "Tr0ub4dor&3x!", "zwölf Käfer im Glas", "kimberly paints ten blue doors"]
)
def test_long_passwords_need_nothing_else(password):
    check_password(password, username="kim.lee", name="Kimberly Lee")


def test_a_line_of_text_stays_one_line():
    assert accounts.plain("  Kim Lee ", "name") == "Kim Lee"
    assert accounts.plain("", "email address", required=False) == ""
    for bad in ("Kim\nLee", "Kim\x00", "x" * 201, "\u202eeeL"):
        with pytest.raises(InputError, match="one line of at most 200"):
            accounts.plain(bad, "name")
    with pytest.raises(InputError, match="The name is missing"):
        accounts.plain(" ", "name")


def test_roles_are_named_or_nearly():
    assert [accounts.role(name.upper()) for name in ROLES] == list(ROLES)
    with pytest.raises(InputError, match="Did you mean 'planner'"):
        accounts.role("planer")


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_one_before_may(role):
    may = {action for action in ACTIONS if Person("kim", "Kim", role).may(action)}
    assert may == {a for a, what in ACTIONS.items() if ROLES.index(what.role) <= ROLES.index(role)}
    for action in ACTIONS.keys() - may:
        with pytest.raises(Forbidden, match=f"kim is {role} and may not"):
            require(Person("kim", "Kim", role), action)


def token(role="admin", locations=None, categories=None):
    return Token(1, "kim", "nightly", "plm_a", role, locations, categories, AT, AT, None, None, "")


@pytest.mark.parametrize("own", ROLES)
@pytest.mark.parametrize("given", ROLES)
def test_a_token_is_never_more_than_its_owner(own, given):
    seen = through_token(Person("kim", "Kim", own), token(given))
    assert ROLES.index(seen.role) == min(ROLES.index(own), ROLES.index(given))
    assert seen.token == token().name


def test_a_token_sees_what_both_see():
    kim = Person("kim", "Kim", "planner", ("DC1", "DC2"), None)
    assert through_token(kim, token()).locations == ("DC1", "DC2")
    seen = through_token(kim, token(locations=("DC2", "DC3"), categories=("pumps",)))
    assert (seen.locations, seen.categories) == (("DC2",), ("pumps",))
    assert through_token(kim, token(locations=("DC3",))).locations == ()  # nothing, not everything


def test_rows_outside_the_scope_are_not_there():
    rows = pl.DataFrame(
        {
            "location_id": ["DC1", "DC2", "DC1", None],
            "category": ["pumps", "pumps", None, "pumps"],
            "n": [1, 2, 3, 4],
        }
    )
    see = lambda **scope: scoped(rows, Person("kim", "Kim", "planner", **scope))["n"].to_list()  # noqa: E731
    assert see() == [1, 2, 3, 4]
    assert see(locations=("DC1",)) == [1, 3]
    assert see(categories=("pumps",)) == [1, 2, 4]
    assert see(locations=("DC1",), categories=("pumps",)) == [1]
    assert see(locations=()) == []
    assert scoped(rows, owner("root")).equals(rows)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 s"), (119, "119 s"), (120, "2 minutes"), (601, "11 minutes")]
)
def test_waiting_is_told_in_words(seconds, words):
    assert f"in {words}." in TooManyAttempts(seconds).what
