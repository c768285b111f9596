"""What a shared server answers: headers, compression, health, and nothing to those who do not ask for a page."""

import gzip
import http.client
import json
import re
from contextlib import closing
from urllib.parse import urlsplit

import pytest


def asked(origin: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer to a request, and its body as it was sent."""
    parts = urlsplit(origin)
    assert parts.hostname
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)) as wire:
        wire.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        answer = wire.getresponse()
        return answer, answer.read()


def script_of(origin: str) -> str:
    _, page = asked(origin, "/")
    found = re.search(rb'src="\./(static/[^"]+\.js)"', page)
    assert found
    return f"/{found[1].decode()}"


@pytest.mark.parametrize("path", ["/", "/compare", "/healthz", "/_stcore/health"])
def test_every_answer_has_the_security_headers(origin: str, path: str) -> None:
    answer, _ = asked(origin, path)
    assert answer.status == 200
    policy = answer.getheader("content-security-policy") or ""
    assert "default-src 'self'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    assert "*" not in policy
    assert answer.getheader("x-content-type-options") == "nosniff"


def test_health_says_version_and_prices(origin: str) -> None:
    _, body = asked(origin, "/healthz")
    said = json.loads(body)
    assert said["status"] == "ok"
    assert re.fullmatch(r"20\d\d-\d\d", said["prices"])


def test_scripts_are_compressed_for_those_who_take_it(origin: str) -> None:
    path = script_of(origin)
    plain, whole = asked(origin, path)
    assert plain.getheader("content-encoding") is None
    for _ in range(2):
        small, body = asked(origin, path, Accept_Encoding="gzip, br")
        assert small.getheader("content-encoding") == "gzip"
        assert int(small.getheader("content-length") or 0) == len(body) < 0.5 * len(whole)
        assert gzip.decompress(body) == whole


def test_a_part_of_a_file_is_sent_as_it_is(origin: str) -> None:
    part, body = asked(origin, script_of(origin), Accept_Encoding="gzip", Range="bytes=0-9")
    assert part.status == 206
    assert len(body) == 10


def test_a_file_that_does_not_exist_is_not_kept(origin: str) -> None:
    for _ in range(2):
        assert asked(origin, "/static/js/nothing.js", Accept_Encoding="gzip")[0].getheader("content-encoding") is None


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/agent/openapi.json"])
def test_nobody_is_told_about_the_server(origin: str, path: str) -> None:
    assert asked(origin, path)[0].status == 404


def test_a_page_of_another_site_cannot_open_a_session(origin: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": "https://evil.example"}  # fmt: skip
    assert asked(origin, "/_stcore/stream", **upgrade)[0].status == 403
