"""Finds the tenant of an object for a control, and turns errors of controls into answers with status 400."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from devstack.kit.controls import Refused, View
from devstack.stripe.errors import StripeFault
from devstack.stripe.stand_in import StandIn
from devstack.stripe.store import Tenant


def tenant_of(stand_in: StandIn, object_id: str) -> Tenant:
    """The account and mode that an object belongs to. Raises Refused."""
    tenant = stand_in.store.tenant_of(object_id)
    if tenant is None:
        raise Refused(f"There is no object {object_id}.")
    return tenant


def refusing(view: View[StandIn]) -> Callable[[StandIn, Request], Awaitable[Response]]:
    """A view that answers 400 with a message when the given view raises an error."""

    async def refuses(stand_in: StandIn, request: Request) -> Response:
        try:
            return await view(stand_in, request)
        except StripeFault as error:
            return JSONResponse({"error": error.message}, 400)
        except (Refused, LookupError) as error:
            return JSONResponse({"error": str(error)}, 400)

    return refuses
