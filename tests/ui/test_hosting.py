"""What the server does before anyone is let in."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, os, socket
from planner.ui.hosting import send_at_once, warmed

def waits_for_acknowledgements(port):
    with socket.create_connection(port.getsockname()), port.accept()[0] as connection:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0

async def start():
    async with warmed(None):
        pass

with socket.socket() as port:
    port.bind(("127.0.0.1", 0))
    port.listen()
    cold = waits_for_acknowledgements(port)
    asyncio.run(start())
    opened = os.listdir("/dev/fd")
    send_at_once()
    print(cold, waits_for_acknowledgements(port), os.listdir("/dev/fd") == opened)
"""
"""Whether the server's end of a new connection holds small messages back, before and after the server is warm,
and whether to see to that leaves no file open."""


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system does not list open files")
def test_a_warm_server_sends_every_message_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "False", "True"]
