"""The OpenAPI document against the server: made-up requests find no fault of ours, answers are as it says."""

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from plimsoll.domain.people import owner
from plimsoll.web.security import guards
from plimsoll.workflows import people

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

CASES = 2  # requests of each kind an operation; a long run is a command, see the page on the API
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.fixture(scope="module")
def document(unknown):
    return unknown.get("/api/v1/openapi.json").json()


def test_every_operation_is_described(document, steady_app):
    told = {
        f"{method.upper()} {path}" for path, operations in document["paths"].items() for method in operations
    }
    served = {route.replace(":path}", "}") for route in guards(steady_app) if " /api/v1/" in route}
    assert served - told == {"GET /api/v1/openapi.json"}
    assert told <= served
    names = {tag["name"] for tag in document["tags"]}
    ids = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert set(operation["tags"]) <= names, path
            ids.append(operation["operationId"])
            assert "HTTPValidationError" not in str(operation)
            refused = operation["responses"]["422"]["content"]
            assert list(refused) == ["application/problem+json"], path
            sent = [each["name"] for each in operation["parameters"]] if "parameters" in operation else []
            assert ("Idempotency-Key" in sent) == (method not in ("get", "head")), path
    assert len(set(ids)) == len(ids)


def test_every_answer_and_body_has_a_shape(document):
    empty = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert len(good) == 1, path
            content = operation["responses"][good[0]].get("content")
            if good[0] != "204" and (not content or any(not each.get("schema") for each in content.values())):
                empty.append((method, path))
            body = operation.get("requestBody")
            if path.endswith("/file"):  # an edited list, as it is
                assert {each["schema"]["format"] for each in body["content"].values()} == {"binary"}
            elif body:
                shape = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                assert document["components"]["schemas"][shape]["additionalProperties"] is False, shape
    assert empty == []


def test_made_up_requests_find_no_fault(api_app, stranger, idle):
    """For every operation requests that fit the document and requests that do not, by an admin."""
    root, at = owner("root"), api_app.state.clock()
    secret, _ = people.make_token(api_app.state.folder, "fuzz", 9, root, at=at, username="ann")
    headers = {"Authorization": f"Bearer {secret}"}
    line = stranger.get("/api/v1/recommendations?size=1", headers=headers).json()["items"][0]["line_id"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tool's own affair
        schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", api_app)
        answers = [_tried(found.ok(), headers, line) for found in schema.get_all_operations()]
    statuses = {status for each in answers for status in each}
    assert {200, 404, 422} <= statuses
    assert not {status for status in statuses if status >= 500}
    assert len(answers) > 60


def _tried(operation, headers, line):
    """Return the statuses that an operation answered, each answer checked."""
    statuses = []
    known = {"line_id": line} if "{line_id}" in operation.path else None
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue

        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=known))
        @settings(
            max_examples=CASES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def tried(case):
            answer = case.call(headers=headers)
            statuses.append(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        tried()
    return statuses
