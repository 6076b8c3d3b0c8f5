"""Addresses for the simulated parts: each has its own, so that it can listen on the port that the real one has."""

from socket import AF_INET, AF_UNIX, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

from agent.probes._endpoint import Endpoint

_BLOCKS = 200
_LAST_HOST = 254


class Loopback:
    """A block of 256 loopback addresses that no other simulation on this machine uses."""

    def __init__(self) -> None:
        """Raises OSError when every block is taken."""
        # A name in Linux' abstract namespace is free again as soon as its process is gone.
        self._claim = socket(AF_UNIX, SOCK_STREAM)
        for block in range(1, _BLOCKS + 1):
            try:
                self._claim.bind(f"\0reachd-demo-{block}")
            except OSError:
                continue
            self._prefix = f"127.86.{block}"
            self._last = 0
            return
        self._claim.close()
        raise OSError(f"{_BLOCKS} simulations are running on this machine already")

    def host(self) -> str:
        """An address that was not given away before."""
        if self._last == _LAST_HOST:
            raise OSError("the block has no address left")
        self._last += 1
        return f"{self._prefix}.{self._last}"

    @staticmethod
    def place(host: str, port: int) -> Endpoint:
        """`port` of `host`; another one where a program that listens on all addresses has it."""
        for wanted in (port, 0):
            with socket(AF_INET, SOCK_STREAM) as attempt:
                attempt.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
                try:
                    attempt.bind((host, wanted))
                    attempt.listen()
                except OSError:
                    continue
                return Endpoint(host, attempt.getsockname()[1])
        raise OSError(f"{host} has no free port")

    def __enter__(self) -> "Loopback":
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the block back."""
        self._claim.close()
