"""Image types and the keys of images in R2. The type of an image follows from its first bytes, never from what the client says.

Signatures: PNG (RFC 2083, 3.1), JPEG (ITU T.81, SOI), GIF89a, WebP (RIFF container), AVIF (ISO BMFF `ftyp` brands). SVG is refused,
because it can contain scripts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

MAXIMUM_IMAGE_BYTES = 5 * 1024 * 1024
CACHE_CONTROL = "public, max-age=31536000, immutable"
"""The key of an image has the hash of its content, so the content of a key never changes."""

_ASSET_KEY = re.compile(r"(?:plt|pk_test|pk_live)_[0-9A-Za-z]{1,64}\.[0-9a-f]{64}\.(png|jpg|gif|webp|avif)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ImageType:
    """A type of image that is accepted."""

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
    """The type of the image. None if it is not an accepted type."""
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
    """Whether the `ftyp` box has an AVIF brand. The major brand is at byte 8, the compatible brands begin at byte 16."""
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = [content[8:12], *(content[start : start + 4] for start in range(16, size, 4))]
    return b"avif" in brands or b"avis" in brands


def asset_key(owner: str, content: bytes, image_type: ImageType) -> str:
    """`{owner}.{sha256}.{extension}`: the key of an image in R2, and one path segment of its URL.

    `owner` is a platform id or a publishable key. The same image of the same owner has the same key.
    """
    return f"{owner}.{hashlib.sha256(content).hexdigest()}.{image_type.extension}"


def asset_prefix(owner: str) -> str:
    """The prefix of all keys of one owner."""
    return f"{owner}."


def is_asset_key(key: str) -> bool:
    """Whether `key` has the form that `asset_key` returns."""
    return _ASSET_KEY.fullmatch(key) is not None


def content_type_of(key: str) -> str:
    """The media type of a key, by its extension."""
    extension = key.rpartition(".")[2]
    return next(each.content_type for each in IMAGE_TYPES if each.extension == extension)
