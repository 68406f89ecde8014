"""R2: the store of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, jsnull, to_js

from dream.cloudflare.values import js_object
from dream.errors import Unavailable
from dream.runtime.bindings import StoredObject


class R2Bucket:
    """One R2 bucket."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    async def get(self, key: str) -> StoredObject | None:
        try:
            found = await self._bucket.get(key)
            if found is None or found is jsnull:
                return None
            body = (await found.arrayBuffer()).to_bytes()
        except JsException as error:
            raise Unavailable(reason=str(error)) from None
        content_type = found.httpMetadata.contentType
        return StoredObject(
            body, content_type if isinstance(content_type, str) else "application/octet-stream", found.httpEtag
        )

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        metadata = {"contentType": content_type, "cacheControl": cache_control}
        try:
            await self._bucket.put(key, to_js(body), httpMetadata=js_object(metadata))
        except JsException as error:
            raise Unavailable(reason=str(error)) from None

    async def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        try:
            await self._bucket.delete(to_js(list(keys)))
        except JsException as error:
            raise Unavailable(reason=str(error)) from None

    async def list(self, prefix: str) -> list[str]:
        keys: list[str] = []
        options: dict[str, Any] = {"prefix": prefix}
        try:
            while True:
                page = await self._bucket.list(js_object(options))
                keys.extend(stored.key for stored in page.objects)
                if not page.truncated:
                    return keys
                options["cursor"] = page.cursor
        except JsException as error:
            raise Unavailable(reason=str(error)) from None
