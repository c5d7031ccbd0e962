"""Proxies as people name them: used, or refused before anything is sent; named by their variable, never by their password."""

from __future__ import annotations

import base64
import os

import pytest
from support.commands import CREDENTIALS, command
from support.sessions import NONE, SMALL, get, wire
from support.wires import Connection, Heard, raw_server, refusing_port

from pixian_batch.adapters.wire.proxy import Proxy, ProxyError, find_proxy
from pixian_batch.adapters.wire.trace import Trace, WireError

API = "https://pixian.invalid/api/v2"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<h1>No!</h1>"
UNKNOWN = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("named", "address", "user", "password"),
    [
        ("http://proxy:3128", "http://proxy:3128", "", ""),
        ("proxy:3128", "http://proxy:3128", "", ""),
        ("proxy", "http://proxy:80", "", ""),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "", ""),
        ("HTTP://Proxy:3128/", "http://proxy:3128", "", ""),
        ("http://me:p%40ss@proxy:3128", "http://proxy:3128", "me", "p@ss"),
        ("me:secret@proxy:3128", "http://proxy:3128", "me", "secret"),
        ("http://[::1]:3128", "http://[::1]:3128", "", ""),
    ],
)
def test_as_people_name_them(
    monkeypatch: pytest.MonkeyPatch, named: str, address: str, user: str, password: str
) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(variable, named)
        found = find_proxy(API)
        monkeypatch.delenv(variable)
        assert found == Proxy(address, variable, user, password)
        assert str(found) == f"{address} (from {variable})"
        assert not password or password not in repr(found)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        (
            "https://me:hidden@proxy:3128",
            "https://proxy:3128 (from HTTPS_PROXY) cannot be used: only http://",
        ),
        (
            "socks5://me:hidden@proxy:1080",
            "socks5://proxy:1080 (from HTTPS_PROXY) cannot be used: only http://",
        ),
        ("http://me:hidden@proxy:port", "http://proxy:port (from HTTPS_PROXY) has no port that is a number"),
        (
            "http://me:hidden@proxy:99999",
            "http://proxy:99999 (from HTTPS_PROXY) has no port that is a number",
        ),
        ("http://", "names no host"),
    ],
)
def test_what_cannot_be_used(monkeypatch: pytest.MonkeyPatch, named: str, words: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", named)
    with pytest.raises(ProxyError) as caught:
        find_proxy(API)
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value) + caught.value.hint
    assert find_proxy("http://127.0.0.1:8080/api/v2") is None, "this machine needs none"
    monkeypatch.setenv("NO_PROXY", "pixian.invalid")
    assert find_proxy(API) is None


async def asked_through(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HTTPS_PROXY", address)
    trace = Trace()
    with pytest.raises(WireError) as caught:
        async with wire(API) as client, client.remove_background(SMALL, NONE, trace) as answer:
            await get(answer)
    assert trace == Trace(), "nothing was sent"
    return str(caught.value)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("answer", "user", "words"),
    [
        (FORBIDDEN, "", "lets nothing through: 403 Forbidden"),
        (UNKNOWN, "", "asks for a user name and a password (407): http://USER:PASSWORD@HOST:PORT"),
        (UNKNOWN, "me:hidden@", "does not accept the user name and the password (407)"),
        (b"", "", ""),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "", ""),
    ],
)
async def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, user: str, words: str
) -> None:
    asked: list[Heard] = []

    async def script(connection: Connection) -> None:
        asked.append(await connection.head())
        await connection.say(answer)

    async with raw_server(script) as proxy:
        place = proxy.url.removesuffix("/api/v2").removeprefix("http://")
        told = await asked_through(f"{user}{place}", monkeypatch)
    assert f"the proxy http://{place} (from HTTPS_PROXY)" in told
    assert words in told
    assert "hidden" not in told
    assert asked[0].line.startswith("CONNECT pixian.invalid:443")
    assert asked[0].all("Authorization") == [], "the proxy learns no credentials of the service"
    sent = [f"Basic {base64.b64encode(b'me:hidden').decode()}"] if user else []
    assert asked[0].all("Proxy-Authorization") == sent


@pytest.mark.asyncio
async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_port() as port:
        told = await asked_through(f"127.0.0.1:{port}", monkeypatch)
    assert told == f"the proxy http://127.0.0.1:{port} (from HTTPS_PROXY) does not answer: Connection refused"


@pytest.mark.parametrize("name", ["run", "plan", "account", "doctor"])
def test_a_command_refuses_it_before_anything_is_sent(name: str, tmp_path: object) -> None:
    words = {"run": ["run", ".", "--out", "out"], "plan": ["plan", ".", "--out", "out"]}.get(name, [name])
    env = {**CREDENTIALS, "HTTPS_PROXY": "socks5://me:hidden@proxy:1080"}
    done = command(*words, env=env, cwd=str(tmp_path))
    assert done.code == 2
    assert "socks5://proxy:1080 (from HTTPS_PROXY) cannot be used" in done.out + done.err
    assert "hidden" not in done.out + done.err
    assert "Traceback" not in done.err
