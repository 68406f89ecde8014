"""The least that a Python Worker can do to count a call: the statement of `POST /api/data`, bound, run, answered."""

import json
from typing import Any

import js
from pyodide.ffi import jsnull
from workers import WorkerEntrypoint, import_from_javascript

env = import_from_javascript("cloudflare:workers").env
statement = env.DB.prepare(env.STATEMENT)
values = [jsnull if value is None else value for value in json.loads(env.VALUES)]

HEADERS = js.Headers.new()
HEADERS.set("content-type", "application/json")


class Default(WorkerEntrypoint):
    async def fetch(self, request: Any) -> Any:
        answer = await statement.bind(*values).first("answer")
        return js.Response.new(answer, headers=HEADERS)
