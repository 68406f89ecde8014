"""Reads an uploaded image from a request, and stores it in R2."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from dream.domain.images import (
    CACHE_CONTROL,
    MAXIMUM_IMAGE_BYTES,
    SHOWN_TYPES,
    ImageType,
    asset_key,
    sniff,
)
from dream.errors import InvalidFields, TooLarge, UnsupportedMediaType
from dream.http.request import Request
from dream.runtime.context import Context

FORM_CAP_BYTES = MAXIMUM_IMAGE_BYTES + 16 * 1024
"""The maximum size of a multipart body: an image and the form around it."""
BASE64_CAP_BYTES = (MAXIMUM_IMAGE_BYTES + 2) // 3 * 4 + 16 * 1024
"""The maximum size of a JSON body: an image in base64 and the JSON around it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded image. Its type follows from its first bytes."""

    content: bytes
    image_type: ImageType

    @classmethod
    def of(cls, content: bytes) -> Upload:
        """Raises InvalidFields, TooLarge or UnsupportedMediaType."""
        if not content:
            raise InvalidFields({"file": "an image that is not empty"})
        if len(content) > MAXIMUM_IMAGE_BYTES:
            raise TooLarge(MAXIMUM_IMAGE_BYTES)
        image_type = sniff(content)
        if image_type is None:
            raise UnsupportedMediaType(
                f"This is no image of a supported type. Upload a {SHOWN_TYPES} image.", code="unsupported_image"
            )
        return cls(content, image_type)


async def uploaded_image(request: Request) -> Upload:
    """The image of a request: one file in a multipart form, or JSON `{filename, contentType, data}` with `data` in base64.

    Raises InvalidFields, TooLarge or UnsupportedMediaType.
    """
    content_type = request.headers.get("content-type") or ""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        files = [field for field in await request.form(FORM_CAP_BYTES) if field.filename is not None]
        if len(files) != 1:
            raise InvalidFields({"file": "exactly one file"})
        return Upload.of(files[0].content)
    await request.body(BASE64_CAP_BYTES)
    return Upload.of(_decode((await request.json()).get("data")))


async def store(context: Context, owner: str, upload: Upload) -> tuple[str, str]:
    """Stores the image. Returns its key in R2 and its URL.

    `owner` is a platform id or a publishable key. Storing the same image again changes nothing.
    """
    key = asset_key(owner, upload.content, upload.image_type)
    await context.images.put(key, upload.content, upload.image_type.content_type, CACHE_CONTROL)
    return key, asset_url(context, key)


def asset_url(context: Context, key: str) -> str:
    """The URL at which api-multi serves the asset."""
    return f"{context.settings.api_multi_url}/api/assets/{key}"


def _decode(data: object) -> bytes:
    if not isinstance(data, str) or not data:
        raise InvalidFields({"data": "the image in base64"})
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidFields({"data": "the image in base64"}) from error
