"""Owns Stripe's errors: one exception with status and fields, and a function for each common error."""

from devstack.stripe.jsontypes import Json


class StripeFault(Exception):
    """An error answer. `kind` is Stripe's `type`. `body()` is the JSON that Stripe sends."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        extra: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.extra = extra or {}

    def body(self, livemode: bool, request_id: str) -> Json:
        error: Json = {}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error.update(self.extra)
        section = "" if livemode else "test/"
        error["request_log_url"] = f"https://dashboard.stripe.com/{section}logs/{request_id}"
        error["type"] = self.kind
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeFault:
    return StripeFault(400, message, code=code, param=param)


def missing(param: str) -> StripeFault:
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown(names: list[str]) -> StripeFault:
    plural = "s" if len(names) > 1 else ""
    return invalid(f"Received unknown parameter{plural}: {', '.join(names)}", names[0], "parameter_unknown")


def empty(param: str) -> StripeFault:
    text = (
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
    )
    return invalid(text, param, "parameter_invalid_empty")


def no_such(noun: str, identifier: str, param: str, *, status: int, other_mode: str | None = None) -> StripeFault:
    """`status` is 404 if the id was in the path, 400 if it was in the parameters. `other_mode` is the mode that has the id."""
    text = f"No such {noun}: '{identifier}'"
    if other_mode:
        used = "live" if other_mode == "test" else "test"
        text += f"; a similar object exists in {other_mode} mode, but a {used} mode key was used to make this request."
    return StripeFault(status, text, code="resource_missing", param=param)


def unrecognized_url(method: str, path: str) -> StripeFault:
    return StripeFault(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
    )


def mask_key(key: str) -> str:
    lead = key[:8] if key.startswith(("sk_", "rk_", "pk_")) else ""
    return f"{lead}{'*' * max(len(key) - len(lead) - 4, 4)}{key[-4:]}"
