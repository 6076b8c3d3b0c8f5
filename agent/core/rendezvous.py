"""Who of several owns a key (rendezvous hashing, or highest random weight: Thaler and Ravishankar, 1998).

Every member gives the same answer without asking the others, the keys are spread evenly, and where a member comes or
goes only the keys that it gets or had change hands.
"""

from collections.abc import Iterable
from hashlib import blake2b


def owner(key: str, members: Iterable[str]) -> str | None:
    """The member that owns `key`, whatever the order of `members`; None when there are none."""
    return max(members, key=lambda member: (_weight(key, member), member), default=None)


def _weight(key: str, member: str) -> bytes:
    # No name has a NUL, so that no two pairs give the same text.
    return blake2b(f"{member}\0{key}".encode(), digest_size=8).digest()
