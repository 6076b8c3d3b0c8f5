"""Who this process is among the replicas of its agent."""

import os
import socket
from collections.abc import Mapping
from secrets import token_hex
from typing import NamedTuple


class Identity(NamedTuple):
    """A process, as the holder of Leases. `pod` is empty outside of one."""

    pod: str
    host: str
    process: str

    @classmethod
    def of_this_process(cls, environment: Mapping[str, str] = os.environ) -> "Identity":
        """POD_NAME, which the manifest takes from the pod's metadata, and a word that no other process has."""
        return cls(environment.get("POD_NAME", ""), socket.gethostname(), token_hex(4))

    def __str__(self) -> str:
        return f"{self.pod or self.host}_{self.process}"

    def succeeds(self, holder: str) -> bool:
        """Whether `holder` was a process of the same pod before this one."""
        return bool(self.pod) and holder.startswith(f"{self.pod}_") and holder != str(self)
