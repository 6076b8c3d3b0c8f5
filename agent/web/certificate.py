"""The listener's own certificate, renewed while it listens."""

import asyncio
import ssl
from pathlib import Path

import structlog

from agent.probes._files import Version, version_of
from agent.settings.model import ListenerTls

_LOOK_EVERY = 5.0
_log = structlog.get_logger("agent.web")


class ListenerCertificate:
    """A TLS context whose certificate follows its files."""

    def __init__(self, files: ListenerTls) -> None:
        self._files = files
        self._used: tuple[object, ...] = ()
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)

    def load(self) -> None:
        """Takes certificate and key from their files. Raises OSError, and changes nothing, when they do not fit."""
        found = self._versions()
        # A context that is given a certificate without its key loses the key it had: another one tries first.
        self._load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._load_into(self.context)
        self._used = found

    async def reload_when_changed(self) -> None:
        """New connections get a renewed certificate; one that cannot be used leaves the old one in place."""
        rejected: tuple[object, ...] = ()
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            found = self._versions()
            if found in (self._used, rejected):
                continue
            try:
                self.load()
            except OSError as error:  # perhaps half of a renewal; the next change is looked at again
                rejected = found
                _log.warning("the listener's new certificate cannot be used; the old one stays", problem=str(error))
            else:
                _log.info("the listener uses a renewed certificate")

    def _load_into(self, context: ssl.SSLContext) -> None:
        # A password, never used, keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(self._files.cert_file, self._files.key_file, password="")

    def _versions(self) -> tuple[object, ...]:
        return tuple(_version(file) for file in (self._files.cert_file, self._files.key_file))


def _version(file: Path) -> Version | None:
    try:
        return version_of(file.stat())
    except OSError:
        return None
