"""`python -m devstack.clerk.coverage` prints the endpoints and the ignored parameters for DIFFERENCES.md."""

from devstack.clerk import backend_api, frontend_api
from devstack.clerk.users import IGNORED_FIELDS


def backend_endpoints() -> str:
    return "\n".join(f"- `{method} /v1{path}`" for method, path, _ in backend_api.TABLE)


def frontend_endpoints() -> str:
    return "\n".join(f"- `{method} {path}`" for method, path, _ in frontend_api.TABLE)


def ignored_parameters() -> str:
    return "\n".join(f"- `{name}`" for name in IGNORED_FIELDS)


if __name__ == "__main__":
    print(backend_endpoints(), frontend_endpoints(), ignored_parameters(), sep="\n\n")
