"""Errors of the system as people read them."""

import os
from ssl import SSLCertVerificationError, SSLError
from urllib.error import URLError


def words_of(error: BaseException) -> str:
    """`Connection refused`, without the numbers, addresses and class names that Python puts around it."""
    if isinstance(error, URLError):
        return words_of(error.reason) if isinstance(error.reason, BaseException) else error.reason
    if isinstance(error, SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, SSLError):  # its number is none of the system's
        return (error.reason or "TLS failed").replace("_", " ").lower()
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # asyncio puts a sentence of its own into strerror
    return str(error)
