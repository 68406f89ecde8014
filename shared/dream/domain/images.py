"""Images: told by their own first bytes, never by what a client says of them, and named by their content.

Signatures: PNG (RFC 2083, 3.1), JPEG (ITU T.81, SOI), GIF89a, WebP (RIFF container), AVIF (ISO BMFF `ftyp` brands). SVG is refused:
it can carry script.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAXIMUM_IMAGE_BYTES = 5 * 1024 * 1024
CACHE_CONTROL = "public, max-age=31536000, immutable"
"""A key names its content, so what lies under it never changes."""

_ASSET_KEY = re.compile(r"(?:plt|pk_test|pk_live)_[0-9A-Za-z]{1,64}\.[0-9a-f]{64}\.(png|jpg|gif|webp|avif)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageType:
    """A kind of image that may be stored."""

    extension: str
    content_type: str


PNG = ImageType("png", "image/png")
JPEG = ImageType("jpg", "image/jpeg")
GIF = ImageType("gif", "image/gif")
WEBP = ImageType("webp", "image/webp")
AVIF = ImageType("avif", "image/avif")

IMAGE_TYPES = (PNG, JPEG, GIF, WEBP, AVIF)
SHOWN_TYPES = "PNG, JPEG, GIF, WebP or AVIF"


def sniff(content: bytes) -> ImageType | None:
    """What kind of image these bytes are; None when they are none that we take."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp" and _is_avif(content):
        return AVIF
    return None


def _is_avif(content: bytes) -> bool:
    """Whether the `ftyp` box has an AVIF brand: the major one at 8, the compatible ones from 16 on."""
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = [content[8:12], *(content[start : start + 4] for start in range(16, size, 4))]
    return b"avif" in brands or b"avis" in brands


def asset_key(owner: str, content: bytes, image_type: ImageType) -> str:
    """`{owner}.{sha256}.{extension}`: one path segment. The owner is a platform id, or the publishable key of a project; the same
    image of the same owner is the same asset."""
    return f"{owner}.{hashlib.sha256(content).hexdigest()}.{image_type.extension}"


def asset_prefix(owner: str) -> str:
    """What all keys of one owner's assets begin with."""
    return f"{owner}."


def is_asset_key(key: str) -> bool:
    """Whether `key` is one that `asset_key` makes."""
    return _ASSET_KEY.fullmatch(key) is not None


def content_type_of(key: str) -> str:
    """The media type that an asset key's extension stands for."""
    extension = key.rpartition(".")[2]
    return next(each.content_type for each in IMAGE_TYPES if each.extension == extension)
