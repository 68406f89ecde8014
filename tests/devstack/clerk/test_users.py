"""The Backend API of users answers and refuses as Clerk's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.clerk.metadata import merge

NewEmail = Callable[[], str]
PASSWORD = "analytical-engine-7"


def create(users: httpx.Client, email: str, **fields: Any) -> dict[str, Any]:
    response = users.post("/users", json={"email_address": [email], "password": PASSWORD, **fields})
    assert response.status_code == 200, response.text
    return response.json()


def error(response: httpx.Response) -> dict[str, Any]:
    """The error of an answer, whose shape must be Clerk's."""
    body = response.json()
    assert set(body) == {"errors", "clerk_trace_id"}
    assert len(body["errors"]) == 1
    assert {"message", "long_message", "code"} <= set(body["errors"][0])
    return body["errors"][0]


def test_a_created_user_is_found_by_id_and_by_email(users: httpx.Client, new_email: NewEmail) -> None:
    email = new_email()
    made = create(users, email.upper(), first_name="Ada", public_metadata={"plan": "free"})
    assert made["object"] == "user"
    assert made["id"].startswith("user_")
    assert made["password_enabled"] is True
    assert users.get(f"/users/{made['id']}").json() == made
    assert users.get("/users", params={"email_address": [email, "nobody@example.com"]}).json() == [made]
    primary = next(item for item in made["email_addresses"] if item["id"] == made["primary_email_address_id"])
    assert primary["email_address"] == email
    assert primary["verification"]["status"] == "verified"


def test_lists_are_paged_and_ordered_as_asked(users: httpx.Client, new_email: NewEmail) -> None:
    ids = [create(users, new_email(), external_id=f"order-{n}")["id"] for n in range(3)]
    wanted = {"user_id": ids, "order_by": "+created_at"}
    assert [user["id"] for user in users.get("/users", params=wanted).json()] == ids
    assert [user["id"] for user in users.get("/users", params={**wanted, "limit": 1, "offset": 1}).json()] == [ids[1]]
    newest_first = users.get("/users", params={"user_id": ids}).json()
    assert [user["id"] for user in newest_first] == ids[::-1]
    assert users.get("/users/count", params={"user_id": ids}).json() == {"object": "total_count", "total_count": 3}
    assert error(users.get("/users", params={"limit": 501}))["meta"] == {"param_name": "limit"}


def test_an_email_address_belongs_to_one_user_of_an_instance(
    users: httpx.Client, backend: Callable[[str], httpx.Client], new_email: NewEmail
) -> None:
    email = new_email()
    create(users, email)
    refused = users.post("/users", json={"email_address": [email.upper()], "password": PASSWORD})
    assert refused.status_code == 422
    assert error(refused)["code"] == "form_identifier_exists"
    assert error(refused)["meta"] == {"param_name": "email_address"}
    create(backend("endUsersLive"), email)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"password": PASSWORD}, "form_data_missing"),
        ({"email_address": ["a@example.com"]}, "form_data_missing"),
        ({"email_address": "a@example.com", "password": PASSWORD}, "form_param_type_invalid"),
        ({"email_address": ["not an address"], "password": PASSWORD}, "form_param_format_invalid"),
        ({"email_address": ["a@example.com"], "password": "short"}, "form_password_length_too_short"),
        ({"email_address": ["a@example.com"], "password": "password123"}, "form_password_pwned"),
        ({"email_address": ["a@example.com"], "password": PASSWORD, "emailAddress": "x"}, "form_param_unknown"),
    ],
)
def test_a_user_with_a_wrong_field_is_refused(users: httpx.Client, fields: dict[str, Any], code: str) -> None:
    response = users.post("/users", json=fields)
    assert response.status_code == 422
    assert error(response)["code"] == code


def test_a_user_without_password_needs_the_flag(users: httpx.Client, new_email: NewEmail) -> None:
    made = users.post("/users", json={"email_address": [new_email()], "skip_password_requirement": True})
    assert made.status_code == 200
    assert made.json()["password_enabled"] is False


def test_names_are_updated_and_metadata_is_refused_there(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(users, new_email(), public_metadata={"plan": "free"})
    changed = users.patch(f"/users/{user['id']}", json={"first_name": "Grace", "last_name": "Hopper"}).json()
    assert (changed["first_name"], changed["last_name"]) == ("Grace", "Hopper")
    refused = users.patch(f"/users/{user['id']}", json={"public_metadata": {"plan": "pro"}})
    assert refused.status_code == 422
    assert error(refused)["code"] == "form_param_unknown"
    assert users.get(f"/users/{user['id']}").json()["public_metadata"] == {"plan": "free"}


def test_before_2026_05_12_metadata_in_an_update_replaced_all_of_it(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(users, new_email(), public_metadata={"plan": "free", "kept": True})
    changed = users.patch(
        f"/users/{user['id']}", json={"public_metadata": {"plan": "pro"}}, headers={"Clerk-API-Version": "2025-11-10"}
    )
    assert changed.json()["public_metadata"] == {"plan": "pro"}


def test_patching_metadata_merges_deeply_and_null_removes(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(
        users, new_email(), public_metadata={"plan": "free", "limits": {"calls": 5, "seats": 1}, "tags": [1, 2]}
    )
    changed = users.patch(
        f"/users/{user['id']}/metadata",
        json={
            "public_metadata": {"plan": None, "limits": {"calls": 500, "seats": None}, "tags": [3], "new": {"a": None}},
            "private_metadata": {"note": "hello"},
        },
    ).json()
    assert changed["public_metadata"] == {"limits": {"calls": 500}, "tags": [3], "new": {}}
    assert changed["private_metadata"] == {"note": "hello"}


def test_putting_metadata_replaces_only_the_given_kind(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(users, new_email(), public_metadata={"plan": "free"}, private_metadata={"note": "hello"})
    changed = users.put(f"/users/{user['id']}/metadata", json={"public_metadata": {"only": 1}}).json()
    assert changed["public_metadata"] == {"only": 1}
    assert changed["private_metadata"] == {"note": "hello"}


def test_metadata_over_8_kib_is_refused(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(users, new_email())
    refused = users.patch(f"/users/{user['id']}/metadata", json={"public_metadata": {"big": "x" * 8192}})
    assert refused.status_code == 422
    assert users.get(f"/users/{user['id']}").json()["public_metadata"] == {}


json_objects = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.none() | st.integers() | inner, max_size=3),
    max_leaves=8,
)


@given(json_objects, json_objects)
def test_merging_the_same_metadata_twice_is_merging_it_once(old: dict[str, Any], new: dict[str, Any]) -> None:
    once = merge(old, new)
    assert merge(once, new) == once


def test_deleting_a_user_ends_its_sessions_and_frees_its_address(users: httpx.Client, new_email: NewEmail) -> None:
    email = new_email()
    user = create(users, email)
    session = users.post("/sessions", json={"user_id": user["id"]}).json()
    deleted = users.delete(f"/users/{user['id']}")
    assert deleted.json() == {"id": user["id"], "object": "user", "deleted": True}
    missing = users.get(f"/users/{user['id']}")
    assert missing.status_code == 404
    assert error(missing)["code"] == "resource_not_found"
    assert users.delete(f"/users/{user['id']}").status_code == 404
    assert users.get(f"/sessions/{session['id']}").json()["status"] == "revoked"
    assert users.post(f"/sessions/{session['id']}/tokens").status_code == 404
    create(users, email)


def test_a_password_is_verified_or_not(users: httpx.Client, new_email: NewEmail) -> None:
    user = create(users, new_email())
    assert users.post(f"/users/{user['id']}/verify_password", json={"password": PASSWORD}).json() == {"verified": True}
    wrong = users.post(f"/users/{user['id']}/verify_password", json={"password": "wrong"})
    assert (wrong.status_code, error(wrong)["code"]) == (422, "incorrect_password")


def test_instances_do_not_see_each_others_users(backend: Callable[[str], httpx.Client], new_email: NewEmail) -> None:
    user = create(backend("developers"), new_email())
    assert backend("endUsersTest").get(f"/users/{user['id']}").status_code == 404
    assert backend("endUsersLive").get("/users", params={"user_id": user["id"]}).json() == []


def test_a_wrong_or_missing_secret_key_is_401(users: httpx.Client) -> None:
    wrong = users.get("/users", headers={"Authorization": "Bearer sk_test_unknown"})
    assert (wrong.status_code, error(wrong)["code"]) == (401, "clerk_key_invalid")
    for header in ("", "Basic abc", "Bearer"):
        missing = users.get("/users", headers={"Authorization": header})
        assert (missing.status_code, error(missing)["code"]) == (401, "authorization_header_format_invalid")


def test_unknown_paths_methods_bodies_and_versions_have_clerks_error_shape(users: httpx.Client) -> None:
    assert users.get("/nothing").status_code == 404
    assert error(users.get("/nothing"))["code"] == "resource_not_found"
    assert users.put("/users").status_code == 405
    error(users.put("/users"))
    json_header = {"content-type": "application/json"}
    assert users.post("/users", content=b"{", headers=json_header).status_code == 400
    assert users.post("/users", content=b"[]", headers=json_header).status_code == 400
    assert users.post("/users", data={"a": "b"}).status_code == 415
    assert users.get("/users", headers={"Clerk-API-Version": "1999-01-01"}).status_code == 400


def test_the_backend_api_is_not_for_browsers(users: httpx.Client) -> None:
    assert "access-control-allow-origin" not in users.get("/jwks", headers={"Origin": "http://localhost:5173"}).headers
