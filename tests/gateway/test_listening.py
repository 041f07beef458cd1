"""Ports: taken alone, or shared by the workers of one supervisor and by nobody else."""

import socket
from contextlib import closing

import pytest

from gateway.listening import bind_shared, listen, reserve, url_of
from gateway.start_errors import PortTakenError


def port_of(sock: socket.socket) -> int:
    """The port of a socket."""
    return int(sock.getsockname()[1])


def test_workers_share_a_port_that_nobody_else_gets() -> None:
    """Another gateway on the same port would take half of the visitors, without a word."""
    with closing(reserve("127.0.0.1", 0)) as holder:
        port = port_of(holder)
        with closing(bind_shared("127.0.0.1", port)) as one, closing(bind_shared("127.0.0.1", port)) as two:
            one.listen()
            two.listen()
            for take in (listen, reserve):
                with pytest.raises(PortTakenError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
                    take("127.0.0.1", port)


def test_the_port_is_held_while_no_worker_listens() -> None:
    """A worker that is being replaced must find its place again."""
    with closing(reserve("127.0.0.1", 0)) as holder:
        for take in (listen, reserve):
            with pytest.raises(PortTakenError):
                take("127.0.0.1", port_of(holder))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(holder.getsockname())


def test_a_port_in_use_is_neither_listened_on_nor_shared() -> None:
    """One clear line instead of a gateway that gets no visitors."""
    with closing(listen("127.0.0.1", 0)) as other:
        for take in (listen, reserve, bind_shared):
            with pytest.raises(PortTakenError, match="Choose another with --port"):
                take("127.0.0.1", port_of(other))


def test_a_port_is_free_again_at_once() -> None:
    """Connections that have just ended must not keep a restart waiting."""
    with closing(reserve("127.0.0.1", 0)) as holder:
        place = holder.getsockname()
        with closing(bind_shared(*place)) as worker:
            worker.listen()
            with socket.create_connection(place):
                worker.accept()[0].close()
    with closing(listen(*place)):
        pass
    with closing(reserve(*place)), closing(bind_shared(*place)) as worker:
        worker.listen()


@pytest.mark.parametrize(("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("[::1]", "http://[::1]:")])
def test_the_address_can_be_opened_in_a_browser(host: str, start: str) -> None:
    """It is printed for a person to click on."""
    with closing(listen(host, 0)) as sock:
        assert url_of(sock) == f"{start}{port_of(sock)}/"
