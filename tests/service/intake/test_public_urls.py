"""F22: what a user names leads to public addresses only."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from service.config import Settings
from service.errors import Invalid, ServiceError
from service.intake import public_urls
from service.intake.public_urls import (
    PublicTransport,
    check_url,
    checked_address,
    download,
    is_public,
)
from tests.service.intake.hub_server import COMMIT, Hub, hub
from tests.service.intake.uploading import new_dataset

REFUSED = [
    "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:5432", "http://[::1]/",
    "http://0x7f000001/", "http://2130706433/", "http://127.1/", "http://0/", "http://localhost/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://172.16.0.1/", "http://100.64.0.1/",
    "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
    "http://[fe80::1]/", "http://[fd00::1]/", "http://224.0.0.1/", "http://255.255.255.255/",
    "file:///etc/passwd", "ftp://example.org/x", "gopher://127.0.0.1:70/", "data:,x", "//x", "x",
    "http://", "http://user:password@93.184.215.14/", "http://a\nb/", "http://no-such-host.invalid/",
    "http://" + "x" * 3000,
]  # fmt: skip


@pytest.fixture
def canary() -> Iterator[Hub]:
    """Listens on loopback, and must not hear a thing."""
    with hub({"secret": b"x"}) as listening:
        yield listening


@pytest.mark.parametrize("url", REFUSED)
def test_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as error:
        check_url(url)
    assert error.value.code == "url_not_allowed"


@pytest.mark.parametrize(
    ("address", "public"),
    [("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True), ("::", False),
     ("64:ff9b::5db8:d70e", True), ("2002:0a00:0001::", False), ("198.18.0.1", False)],
)  # fmt: skip
def test_public_is_what_everybody_can_reach(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


def test_an_import_of_a_private_address_is_refused_at_once(
    client: TestClient, canary: Hub, rung: list[tuple[str, str]]
) -> None:
    at = f"/api/v1/datasets/{new_dataset(client)}/imports"
    for url in (canary.url, *REFUSED[:4]):
        refused = client.post(at, json={"url": url})
        assert (refused.status_code, refused.json()["code"]) == (422, "url_not_allowed")
    assert (canary.seen, rung) == ([], [])


def fetched(url: str, **options: Any) -> bytes:
    with download(url, **options) as blocks:
        return b"".join(blocks)


def test_a_redirect_into_this_network_is_not_followed(canary: Hub) -> None:
    for target in (f"{canary.url}/secret", "file:///etc/passwd", "http://[::1]:1/"):
        with hub({}) as public:
            public.moved = {"/file": target}
            own = public.url.removeprefix("http://")
            with pytest.raises(Invalid) as error:
                fetched(f"{public.url}/file", own=own)
            assert error.value.code == "url_not_allowed"
    assert canary.seen == []


def test_redirects_come_to_an_end() -> None:
    with hub({}) as public:
        public.moved = {"/file": f"{public.url}/file"}
        with pytest.raises(Invalid) as error:
            fetched(f"{public.url}/file", own=public.url.removeprefix("http://"))
    assert error.value.code == "url_not_allowed"
    assert len(public.seen) == public_urls.MAX_REDIRECTS + 1


def test_a_name_that_changes_its_answer_is_checked_for_each_connection(
    canary: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = canary.server_address[1]
    answers = iter(["93.184.215.14", "127.0.0.1", "127.0.0.1"])

    def resolve(host: str, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = f"http://rebind.example:{port}/secret"
    check_url(url)
    with pytest.raises(Invalid) as error:
        fetched(url)
    assert error.value.code == "url_not_allowed"
    assert canary.seen == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: object, **__: object) -> list[Any]:
        addresses = ("93.184.215.14", "10.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(Invalid):
        check_url("http://both.example/")


def test_the_connection_goes_to_the_address_that_was_checked(canary: Hub) -> None:
    """The name is resolved once; the Host field still has it."""
    port = canary.server_address[1]
    url = httpx.URL(f"http://localhost:{port}/resolve/x")
    assert checked_address(url, frozenset({"localhost"})) in ("127.0.0.1", "::1")
    with httpx.Client(transport=PublicTransport(frozenset({f"localhost:{port}"}))) as client:
        assert client.get(url).status_code == 404
    assert len(canary.seen) == 1


def test_the_operator_may_allow_an_address(canary: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_urls, "settings", Settings(import_hosts=" 127.0.0.1 ,x:1"))
    canary.moved = {"/a": f"/resolve/{COMMIT}/secret"}
    assert fetched(f"{canary.url}/a") == b"x"
    with pytest.raises(Invalid) as error:
        fetched(f"{canary.url}/nothing")
    assert error.value.code == "not_fetched"


def test_a_server_that_does_not_answer_is_an_error_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(ServiceError) as error:
        fetched(f"http://{address}/", own=address)
    assert (error.value.status, error.value.code) == (503, "not_fetched")
