"""The Clerk stand-in's controls: users, tokens good and bad, faults, and how often it was asked for its keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from typing import Any, Literal, TypeAlias

from tests.support.stack import Stack

InstanceName: TypeAlias = Literal["developers", "endUsersTest", "endUsersLive"]

_numbers = itertools.count(1)


class ClerkControls:
    """The stand-in's controls. Tokens of developers name the dashboard as their authorized party."""

    def __init__(self, stack: Stack) -> None:
        self._secret_keys: dict[str, str] = stack.state["clerkSecretKeys"]
        self._api = f"{stack.url('clerk')}/v1"
        self._http = stack.client(f"{stack.url('clerk')}/_devstack")
        self._dashboard = stack.url("frontend")
        listed = self._http.get("/instances").raise_for_status().json()["instances"]
        self.instances: dict[str, dict[str, Any]] = {each["name"]: each for each in listed}

    def close(self) -> None:
        self._http.close()

    def control(self, path: str, /, **fields: Any) -> Any:
        """POST to one of the controls."""
        answer = self._http.post(path, json=fields)
        assert answer.is_success, answer.text
        return answer.json()

    def clear(self, path: str) -> None:
        """DELETE of one of the controls."""
        assert self._http.delete(path).is_success

    def api(self, method: str, instance: InstanceName, path: str, body: Any = None) -> Any:
        """One call of Clerk's Backend API with the secret key of the instance."""
        headers = {"Authorization": f"Bearer {self._secret_keys[instance]}"}
        answer = self._http.request(method, f"{self._api}{path}", headers=headers, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def public_metadata(self, instance: InstanceName, user_id: str) -> dict[str, Any]:
        """The public metadata of a user."""
        return self.api("GET", instance, f"/users/{user_id}")["public_metadata"]

    def make_user(self, instance: InstanceName, **fields: Any) -> str:
        """A new user's id."""
        return self.control("/users", instance=instance, email=f"person{next(_numbers)}@example.com", **fields)["id"]

    def mint(self, instance: InstanceName, user_id: str, **wanted: Any) -> dict[str, Any]:
        """A session token and its claims, rightly signed unless `signedBy` says otherwise."""
        if instance == "developers":
            wanted = {"azp": self._dashboard, **wanted}
        return self.control("/tokens", instance=instance, userId=user_id, **wanted)

    def token(self, instance: InstanceName, user_id: str, **wanted: Any) -> str:
        return self.mint(instance, user_id, **wanted)["token"]

    def key_set_calls(self) -> int:
        """How often any instance was asked for its key set since the calls were cleared."""
        counted = self._http.get("/calls", params={"method": "GET", "path": "*/.well-known/jwks.json"})
        return counted.raise_for_status().json()["total"]


def unsigned(claims: dict[str, Any], kid: str) -> str:
    """A token of `alg: none`."""
    return f"{_segment({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{_segment(claims)}."


def signed_with_public_key(claims: dict[str, Any], kid: str, pem: str) -> str:
    """A token of HS256, whose secret is the text of the public key."""
    signed = f"{_segment({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{_segment(claims)}"
    return f"{signed}.{_base64url(hmac.new(pem.encode(), signed.encode(), hashlib.sha256).digest())}"


def tampered(token: str, **changes: Any) -> str:
    """The token with other claims under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"{header}.{_segment({**claims, **changes})}.{signature}"


def _segment(value: dict[str, Any]) -> str:
    return _base64url(json.dumps(value).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
