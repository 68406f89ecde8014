"""Uploads of images into R2: from the request to the stored object and the URL that serves it."""

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
"""An image and the form around it."""
BASE64_CAP_BYTES = (MAXIMUM_IMAGE_BYTES + 2) // 3 * 4 + 16 * 1024
"""An image in base64 and the JSON around it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One image as it was sent, of the type that its bytes tell."""

    content: bytes
    image_type: ImageType

    @classmethod
    def of(cls, content: bytes) -> Upload:
        """Raises InvalidFields, TooLarge or UnsupportedMediaType."""
        if not content:
            raise InvalidFields({"file": "an image; this one is empty"})
        if len(content) > MAXIMUM_IMAGE_BYTES:
            raise TooLarge(MAXIMUM_IMAGE_BYTES)
        image_type = sniff(content)
        if image_type is None:
            raise UnsupportedMediaType(f"Only {SHOWN_TYPES} images are taken.", code="unsupported_image")
        return cls(content, image_type)


async def uploaded_image(request: Request) -> Upload:
    """The image in a multipart form (the file of any name), or in JSON as `{filename, contentType, data: base64}`."""
    content_type = request.headers.get("content-type") or ""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        files = [field for field in await request.form(FORM_CAP_BYTES) if field.filename is not None]
        if len(files) != 1:
            raise InvalidFields({"file": "exactly one file"})
        return Upload.of(files[0].content)
    await request.body(BASE64_CAP_BYTES)
    return Upload.of(_decoded((await request.json()).get("data")))


async def store(context: Context, owner: str, upload: Upload) -> tuple[str, str]:
    """Key and URL of the stored image. The owner is a platform id or a publishable key. Storing it again changes nothing."""
    key = asset_key(owner, upload.content, upload.image_type)
    await context.images.put(key, upload.content, upload.image_type.content_type, CACHE_CONTROL)
    return key, asset_url(context, key)


def asset_url(context: Context, key: str) -> str:
    """Where api-multi serves the asset."""
    return f"{context.settings.api_multi_url}/api/assets/{key}"


def _decoded(data: object) -> bytes:
    if not isinstance(data, str) or not data:
        raise InvalidFields({"data": "the image in base64"})
    if data.startswith("data:"):
        data = data.partition(",")[2]
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidFields({"data": "the image in base64"}) from error
