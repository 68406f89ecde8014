"""Secret keys sealed under an older encryption key are sealed again under the newest one."""

from __future__ import annotations

from tests.support.developers import Developer
from tests.support.in_process.stack import InProcessStack
from tests.support.stack import Stack
from tests.support.tenants import Tenant

WORKER = "front-auth-api"


def sealed_under(stack: Stack) -> set[str]:
    """Names of the encryption keys that stored secret keys are sealed under."""
    rows = stack.d1("SELECT secretKeyEncrypted AS sealed FROM api_keys WHERE secretKeyEncrypted LIKE 'v1.%'")
    return {row["sealed"].split(".")[1] for row in rows}


def test_an_older_encryption_key_may_be_removed_after_the_schedule_has_run(
    stack: InProcessStack, developer: Developer, project: Tenant
) -> None:
    def shown() -> str:
        return developer.front_auth("GET", "/get-credentials").json()["testSecretKey"]

    body = {"publishableKey": project.publishable_key}
    secret_key = developer.front_auth("POST", "/projects/rotate-key", body).json()["secretKey"]
    (first,) = sealed_under(stack)
    both = stack.configuration.secrets.with_new_encryption_key().encryption_keys
    second = both.partition(":")[0]
    stack.deploy(ENCRYPTION_KEYS=both)
    assert shown() == secret_key
    assert sealed_under(stack) == {first}
    stack.run_scheduled(WORKER)
    assert sealed_under(stack) == {second}
    assert shown() == secret_key
    stack.deploy(ENCRYPTION_KEYS=both.split(",")[0])
    assert shown() == secret_key
