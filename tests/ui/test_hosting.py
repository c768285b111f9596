"""What the server does before anyone is let in."""

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from planner.ui.hosting import warmed


def waits_for_acknowledgements(port: socket.socket) -> bool:
    """Whether the server's end of a new connection holds small messages back."""
    with socket.create_connection(port.getsockname()), port.accept()[0] as connection:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="this system does not list open files")
def test_a_warm_server_sends_every_message_at_once() -> None:
    async def start() -> None:
        async with warmed(None):
            pass

    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        port.listen()
        assert waits_for_acknowledgements(port)
        # In a thread of its own, since browser tests may have left an event loop running in this one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, start()).result()
        assert not waits_for_acknowledgements(port)
