"""Requests to addresses that a user names: only to public ones, and to the one that was checked.

Each connection goes to an address that was resolved and checked for it, so neither a redirect nor
a name that changes its answer leads into this network.
"""

import ipaddress
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import httpx

from service.config import settings
from service.errors import Invalid, Unavailable

SCHEMES = {"http": 80, "https": 443}
MAX_REDIRECTS = 5
MAX_URL = 2000
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def not_allowed(detail: str) -> Invalid:
    return Invalid(detail, code="url_not_allowed")


def checked_address(url: httpx.URL, own: frozenset[str] = frozenset()) -> str:
    """The IP address to connect to. Raises Invalid where the URL or an address of it is private.

    `own`: hosts, or host:port, that the operator allows as they are.
    """
    if url.scheme not in SCHEMES or not url.host:
        raise not_allowed(f"{url.scheme or 'this'} URLs are not fetched: give http or https")
    if url.userinfo:
        raise not_allowed("a URL must not hold a password")
    port = url.port or SCHEMES[url.scheme]
    try:
        found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise not_allowed(f"the host {url.host} is not known") from None
    addresses = [str(each[4][0]) for each in found]
    if url.host in own or f"{url.host}:{port}" in own:
        return addresses[0]
    if not all(is_public(ipaddress.ip_address(each.partition("%")[0])) for each in addresses):
        raise not_allowed(f"the host {url.host} is not a public address")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether the address, and one that it carries inside, is of the public network."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour
        if address.teredo:
            inside = address.teredo[1]
        if address in NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None and not is_public(inside):
            return False
    return address.is_global and not address.is_multicast


def operator_hosts() -> frozenset[str]:
    """What PREFSIFT_IMPORT_HOSTS allows."""
    return frozenset(filter(None, (each.strip() for each in settings.import_hosts.split(","))))


def check_url(text: str) -> None:
    """Refuse a URL before anything is stored. Raises Invalid; asks the name service."""
    checked_address(parsed(text), operator_hosts())


def parsed(text: str) -> httpx.URL:
    try:
        if len(text) > MAX_URL:
            raise httpx.InvalidURL("too long")
        return httpx.URL(text)
    except httpx.InvalidURL as error:
        raise not_allowed(f"this is no URL: {error}") from None


class PublicTransport(httpx.BaseTransport):
    """Connects to checked addresses; the names stay in the Host field and the certificate."""

    def __init__(self, own: frozenset[str]) -> None:
        self.own = own
        # No connection is used twice: each was checked for its own request.
        self.inner = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        address = checked_address(request.url, self.own)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return self.inner.handle_request(pinned)

    def close(self) -> None:
        self.inner.close()


@contextmanager
def download(
    url: str, token: str | None = None, *, own: str | None = None
) -> Generator[Iterator[bytes]]:
    """The bytes of a URL, in steps. `own`: one more host:port that the operator chose.

    The token goes to the URL's own host only. Raises Invalid or Unavailable.
    """
    hosts = operator_hosts() | ({own} if own else frozenset())
    headers = {"Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(
        transport=PublicTransport(hosts), timeout=60, follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
    ) as client:  # fmt: skip
        try:
            with client.stream("GET", parsed(url), headers=headers) as response:
                if response.is_error:
                    detail = f"{response.url.host} answered {response.status_code}"
                    raise Invalid(detail, code="not_fetched")
                yield response.iter_raw(1 << 20)
        except (httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise not_allowed(f"the redirect is not followed: {error}") from None
        except httpx.HTTPError as error:
            raise Unavailable(f"the download broke off: {error}", code="not_fetched") from None
