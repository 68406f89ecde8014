"""Whether the database answers and has its schema."""

from __future__ import annotations

from dream.runtime.bindings import Sql

# Reads one indexed value. Fails when D1 does not answer or the schema is missing.
ANY_PLATFORM = Sql("SELECT platformId AS answer FROM platforms WHERE platformId = ''")
