"""The sockets on which a gateway listens: one of its own, or one per worker on a port that they share.

Sharing is open to any program of the same user, so the port is taken alone first, and opened to others once it is ours.
"""

import socket
import sys

from gateway.start_errors import PortTakenError


def listen(host: str, port: int) -> socket.socket:
    """The socket of a process that serves alone, listening. Port 0 takes a free one. Raises `PortTakenError`."""
    return _open(host, port, does_listen=True)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that never listens: it holds the port for `bind_shared`. Port 0 takes a free one.

    While it is open, only programs that share the port get it. Raises `PortTakenError`.
    """
    sock = _open(host, port, is_shared=sys.platform != "linux")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)  # else another could slip in while no worker listens
    return sock


def bind_shared(host: str, port: int) -> socket.socket:
    """A worker's own socket, not listening yet: the system spreads connections over those that do.

    Raises `PortTakenError`.
    """
    return _open(host, port, is_shared=True)


def url_of(sock: socket.socket) -> str:
    """The address of the page at the socket."""
    host, port = sock.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _open(host: str, port: int, *, is_shared: bool = False, does_listen: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((host.strip("[]"), port))
        if does_listen:
            sock.listen(1024)
    except OSError as error:
        sock.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port."
        ) from error
    return sock
