"""Every message of the emulator's refusals, in one place: what was wrong and what to do instead. Pure.

The statuses are the vendor's; the codes are the sister service's, and the words are ours.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from pixian_batch.contract.errors import ApiError, Code
from pixian_batch.contract.params import BY_WIRE, MAX_BASE64_CHARS, MAX_INPUT_PIXELS, ParamError

IMAGE_FIELDS: Final = ("image", "image.base64", "image.url")
API_PATH: Final = "/api/v2"
REMOVE_PATH: Final = f"{API_PATH}/remove-background"
ACCOUNT_PATH: Final = f"{API_PATH}/account"


class Refusal(Exception):  # noqa: N818  # it is an answer, not an error of the emulator
    """An answer that is no image; `headers` go with it."""

    def __init__(self, error: ApiError, headers: dict[str, str] | None = None) -> None:
        self.error = error
        self.headers = headers or {}
        super().__init__(error.message)


def _refuse(status: int, code: Code | None, message: str, **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(ApiError(status, None if code is None else int(code), message), named)


# Where the request went.
def wrong_path(path: str) -> Refusal:
    """A path that the service does not know."""
    last = path.rstrip("/").rsplit("/", 1)[-1].lower()
    likely = f"GET {ACCOUNT_PATH}" if last in {"account", "credits", "balance"} else f"POST {REMOVE_PATH}"
    return _refuse(404, None, f"There is nothing at {path[:200]!r}. Did you mean {likely}?")


def wrong_method(method: str, path: str, allowed: str) -> Refusal:
    """A known path with a method that it does not take."""
    return _refuse(405, None, f"{path} takes {allowed}, not {method[:20]}.", Allow=allowed)


def not_http() -> ApiError:
    """A request that is not well-formed HTTP."""
    return ApiError(400, None, "This is not a well-formed HTTP request.")


def expectation_failed(value: str) -> Refusal:
    """An `Expect` header other than 100-continue."""
    return _refuse(417, None, f"The expectation {value[:80]!r} cannot be met; leave the Expect header out.")


# Who asks.
_BASIC: Final = 'Basic realm="Pixian.AI emulator", charset="UTF-8"'
_HOW: Final = "Use HTTP Basic auth: the API id as user name, the API secret as password."


def _unauthorized(code: Code, message: str) -> Refusal:
    return _refuse(401, code, message, WWW_Authenticate=_BASIC)


def no_credentials() -> Refusal:
    """No Authorization header at all."""
    return _unauthorized(Code.UNKNOWN_ID, f"The request carries no credentials. {_HOW}")


def wrong_scheme(scheme: str) -> Refusal:
    """Bearer or another scheme than Basic."""
    return _unauthorized(Code.UNKNOWN_ID, f"{scheme[:20]!r} authentication is not supported. {_HOW}")


def unreadable_credentials() -> Refusal:
    """A Basic header that cannot be decoded."""
    return _unauthorized(Code.UNKNOWN_ID, f"The Basic credentials are not base64 of id:secret. {_HOW}")


def empty_secret() -> Refusal:
    """An id with an empty password."""
    return _unauthorized(Code.WRONG_SECRET, f"The API secret is empty. {_HOW}")


def unknown_id() -> Refusal:
    """An id that nobody has."""
    return _unauthorized(Code.UNKNOWN_ID, "The API id is unknown. Copy it again from your account page.")


def wrong_secret() -> Refusal:
    """A known id with a wrong secret."""
    return _unauthorized(Code.WRONG_SECRET, "The API secret does not belong to this API id.")


# Who pays.
def no_pack() -> Refusal:
    """An account that never bought credits."""
    return _refuse(402, Code.NO_PACK, "This account has no credit pack. Buy one, or send test=true.")


def dormant_pack() -> Refusal:
    """An account whose pack is dormant."""
    return _refuse(402, Code.NO_PACK, "The credit pack is dormant. Renew it, or send test=true.")


def out_of_credits() -> Refusal:
    """An account without enough credits for this image."""
    return _refuse(402, Code.OUT_OF_CREDITS, "The credits are used up. Buy more, or send test=true.")


# How fast.
def slow_down(retry_after: int | None) -> Refusal:
    """Too many requests."""
    message = "Too many requests. Back off linearly, each thread on its own: 5 s, 10 s, 15 s and so on."
    headers = {} if retry_after is None else {"Retry_After": str(retry_after)}
    return _refuse(429, Code.SLOW_DOWN, message, **headers)


def overloaded() -> Refusal:
    """More requests are waiting than may wait."""
    return _refuse(
        503, Code.OVERLOADED, "The service is overloaded. Wait a little and try again.", Retry_After="5"
    )


# The form.
_FORM: Final = "Send a multipart/form-data body with the picture's bytes in a part named image"


def not_multipart(content_type: str) -> Refusal:
    """A body of another type: JSON, a bare image."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        problem = "JSON bodies are not supported."
    elif kind.startswith("image/"):
        problem = "The picture is the whole body, and it belongs in a form."
    else:
        problem = f"The body's type is {kind[:80]!r}." if kind else "The body has no Content-Type."
    return _refuse(400, Code.BAD_PARAMETER, f"{problem} {_FORM}.")


def bad_urlencoded() -> Refusal:
    """A URL-encoded body that cannot be taken apart."""
    return _refuse(
        400, Code.BAD_PARAMETER, f"The URL-encoded body is malformed or has too many fields. {_FORM}."
    )


def bad_multipart(reason: str) -> Refusal:
    """A multipart body that cannot be taken apart."""
    return _refuse(400, Code.BAD_PARAMETER, f"The multipart body is malformed: {reason}.")


def cut_upload() -> Refusal:
    """A body that ended too early."""
    return _refuse(400, Code.BAD_PARAMETER, "The upload ended before its announced end.")


def upload_too_slow(seconds: float) -> Refusal:
    """No byte of the body came for too long."""
    return _refuse(408, None, f"No byte of the upload arrived for {seconds:g} s.", Connection="close")


def too_many_bytes(limit: int) -> Refusal:
    """A body or a fetched image above the limit."""
    return _refuse(413, Code.TOO_MANY_BYTES, f"The image is larger than {limit:,} bytes.")


def too_many_pixels() -> Refusal:
    """An image above the limit of width x height."""
    message = f"The image has more than {MAX_INPUT_PIXELS:,} pixels. Scale it down before you send it."
    return _refuse(413, Code.TOO_MANY_PIXELS, message)


def query_parameters(names: list[str]) -> Refusal:
    """Parameters in the query string."""
    shown = ", ".join(name[:40] for name in names[:5])
    return _refuse(
        400,
        Code.BAD_PARAMETER,
        f"Parameters in the query string are not read: {shown}. Send them as form fields.",
    )


_MEANT: Final = {
    "format": "output.format",
    "output": "output.format",
    "outputformat": "output.format",
    "resultformat": "output.format",
    "type": "output.format",
    "bg": "background.color",
    "bgcolor": "background.color",
    "backgroundcolor": "background.color",
    "backgroundcolour": "background.color",
    "background": "background.color",
    "color": "background.color",
    "quality": "output.jpeg_quality",
    "outputquality": "output.jpeg_quality",
    "jpegquality": "output.jpeg_quality",
    "resultquality": "output.jpeg_quality",
    "crop": "result.crop_to_foreground",
    "croptoforeground": "result.crop_to_foreground",
    "margin": "result.margin",
    "cropmargin": "result.margin",
    "targetsize": "result.target_size",
    "size": "result.target_size",
    "resultsize": "result.target_size",
    "verticalalignment": "result.vertical_alignment",
    "valign": "result.vertical_alignment",
    "maxpixels": "max_pixels",
    "outputmaxpixels": "max_pixels",
    "maxsize": "max_pixels",
    "testmode": "test",
    "imagefile": "image",
    "file": "image",
    "photo": "image",
    "img": "image",
    "upload": "image",
    "imageurl": "image.url",
    "url": "image.url",
    "imagefileb64": "image.base64",
    "imagebase64": "image.base64",
    "base64": "image.base64",
    "b64": "image.base64",
}
KNOWN_FIELDS: Final = (*IMAGE_FIELDS, *BY_WIRE)


def meant(name: str) -> str | None:
    """The field that a wrong `name` probably stands for."""
    bare = "".join(char for char in name.lower() if char.isalnum())
    if bare in _MEANT:
        return _MEANT[bare]
    close = get_close_matches(name.lower(), KNOWN_FIELDS, n=1, cutoff=0.6)
    return close[0] if close else None


def unknown_field(name: str) -> Refusal:
    """A form field that the service does not know."""
    guess = meant(name)
    advice = f"Did you mean {guess}?" if guess else f"There are {', '.join(KNOWN_FIELDS)}."
    return _refuse(400, Code.BAD_PARAMETER, f"There is no parameter {name[:80]!r}. {advice}")


def repeated_field(name: str) -> Refusal:
    """The same field twice."""
    return _refuse(400, Code.BAD_PARAMETER, f"{name} is given more than once.")


def unnamed_part() -> Refusal:
    """A part without a name."""
    return _refuse(400, Code.BAD_PARAMETER, "A part of the form has no name in its Content-Disposition.")


def encoded_part(name: str) -> Refusal:
    """A part with a transfer or content encoding."""
    return _refuse(400, Code.BAD_PARAMETER, f"{name} is sent encoded or compressed; send its plain bytes.")


def not_text(name: str) -> Refusal:
    """A parameter whose bytes are not UTF-8."""
    return _refuse(400, Code.BAD_PARAMETER, f"{name} is not UTF-8 text.")


def too_long(name: str, limit: int) -> Refusal:
    """A parameter of absurd length."""
    return _refuse(400, Code.BAD_PARAMETER, f"{name} is longer than {limit:,} characters.")


def too_many_fields(limit: int) -> Refusal:
    """A form of absurd length."""
    return _refuse(400, Code.BAD_PARAMETER, f"The form has more than {limit} parts.")


def bad_parameter(error: ParamError) -> Refusal:
    """A value outside its grammar."""
    value = error.value if len(error.value) <= _SHOWN else error.value[:_SHOWN] + "…"
    message = f"{error.name}: {value!r} {error.reason[:200]}; for example {error.example}."
    return _refuse(400, Code.BAD_PARAMETER, message)


_SHOWN: Final = 80


# The image.
def no_image() -> Refusal:
    """None of the three image fields."""
    return _refuse(400, Code.NO_IMAGE, f"There is no image. {_FORM}, or use image.base64 or image.url.")


def several_images(names: list[str]) -> Refusal:
    """More than one of the three image fields."""
    return _refuse(400, Code.BAD_PARAMETER, f"Send exactly one of {' and '.join(names)}.")


def empty_image(name: str) -> Refusal:
    """An image of no bytes."""
    return _refuse(400, Code.UNREADABLE_IMAGE, f"{name} is empty (0 bytes).")


def image_as_text(text: str) -> Refusal:
    """A file name, a URL or base64 in place of an image's bytes."""
    if text.startswith(("http://", "https://")):
        advice = "a URL belongs in image.url"
    elif text.startswith("data:") or (len(text) > _SHOWN and " " not in text):
        advice = "base64 text belongs in image.base64"
    else:
        advice = "it looks like a file name sent in place of the file's bytes (with curl: -F image=@FILE)"
    return _refuse(400, Code.IMAGE_AS_TEXT, f"The image was sent as text: {text[:40]!r}; {advice}.")


def foreign_kind(kind: str) -> Refusal:
    """A well-known kind of image that the service does not read."""
    message = (
        f"{kind} images are not supported. Convert the image to PNG or JPEG (.bmp .gif .jpeg .png .tiff)."
    )
    return _refuse(400, Code.UNREADABLE_IMAGE, message)


def unreadable_image(reason: str = "") -> Refusal:
    """Bytes that are no image, or a damaged one."""
    why = f" ({reason[:120]})" if reason else ""
    message = f"Failed to read the supplied image{why}. It must be a whole .bmp .gif .jpeg .png or .tiff."
    return _refuse(400, Code.UNREADABLE_IMAGE, message)


def bad_base64() -> Refusal:
    """Text that is no base64."""
    message = "image.base64 is not base64 text (leave out any data:image/...;base64, prefix)."
    return _refuse(400, Code.UNREADABLE_IMAGE, message)


def long_base64() -> Refusal:
    """Base64 text above its limit."""
    message = f"image.base64 is longer than {MAX_BASE64_CHARS:,} characters. Send the bytes as image."
    return _refuse(413, Code.TOO_MANY_BYTES, message)


def delta_shrunk() -> Refusal:
    """A delta PNG of an image that max_pixels would shrink (ours: the vendor does not say)."""
    message = "delta_png needs a result of the input's size, and max_pixels would shrink this image."
    return _refuse(400, Code.BAD_PARAMETER, message)


def impossible_layout(reason: str) -> Refusal:
    """Margins and target size that leave no room for the picture."""
    return _refuse(400, Code.BAD_PARAMETER, f"The result cannot be laid out: {reason[:200]}.")


# The image's URL.
def bad_url(reason: str) -> Refusal:
    """A URL that is none."""
    return _refuse(400, Code.URL_INVALID, f"image.url is not usable: {reason}.")


def url_not_allowed(host: str) -> Refusal:
    """A URL that leads into a private network."""
    message = (
        f"image.url leads to {host[:100]!r}, which this emulator does not fetch from. "
        "Its operator can allow the host with --allow-fetch."
    )
    return _refuse(400, Code.URL_FETCH_FAILED, message)


def url_failed(reason: str) -> Refusal:
    """A URL that could not be fetched."""
    return _refuse(400, Code.URL_FETCH_FAILED, f"Fetching image.url failed: {reason}.")


def url_not_ok(status: int) -> Refusal:
    """A URL that answered something else than 200."""
    return _refuse(400, Code.URL_NOT_OK, f"image.url answered {status}, not 200.")


def url_not_image(content_type: str) -> Refusal:
    """A URL that leads to something else than an image."""
    kind = content_type.partition(";")[0].strip()[:60] or "unknown"
    return _refuse(400, Code.URL_NOT_IMAGE, f"image.url leads to no image (its type is {kind}).")


# Faults that are meant.
def internal_error() -> Refusal:
    """A 500 that the weather sends."""
    return _refuse(500, None, "Internal error. Wait a little and try again.")


# Our own faults.
def our_bug() -> ApiError:
    """An exception that nobody foresaw."""
    return ApiError(500, None, "Internal error of the emulator: a bug of ours; its log says more.")
