"""Tell another system of a batch by HTTP: signed, with a key by which it knows a repetition."""

import hashlib
import hmac
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from plimsoll.domain.errors import PlimsollError

SIGNATURE, KEY = "X-Plimsoll-Signature", "Idempotency-Key"


class NotTaken(PlimsollError):
    """The other system did not take the batch; it stays owed."""

    exit_code = 6


class _NoRedirects(HTTPRedirectHandler):
    """A signed batch goes to the address that an admin wrote down, and nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none: the answer 3xx is an error."""


def signature(body: bytes, secret: str) -> str:
    """Return the value of the signature header: HMAC-SHA256 of the body, in hex digits.

    Examples
    --------
    >>> signature(b"{}", "secret")[:19]
    'sha256=77325902caca'
    """
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def post(url: str, body: bytes, *, key: str, secret: str, seconds: float) -> None:
    """Send a body as JSON by POST; any answer 2xx is taken for a receipt.

    Parameters
    ----------
    key : sent as Idempotency-Key; the receiver does the same key once
    secret : shared with the receiver, who can tell by the signature that the body is ours
    seconds : longest wait for each step of the answer

    Raises
    ------
    NotTaken : no answer, or another one
    """
    if urlsplit(url).scheme not in ("http", "https"):
        what = "The webhook's address is neither http nor https."
        raise NotTaken(what, remedy="Correct [export] webhook_url.")
    headers = {"Content-Type": "application/json", KEY: key, SIGNATURE: signature(body, secret)}
    request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - checked above
    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        with build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
            answer.read(65_536)
    except HTTPError as error:
        with error:
            what = f"{host} answered {error.code} {error.reason}."
        raise NotTaken(what) from error
    except URLError as error:
        what = f"{host} cannot be reached: {error.reason}."
        raise NotTaken(what) from error
    except (OSError, ValueError) as error:
        what = f"{host} gave no answer: {error}."
        raise NotTaken(what) from error
