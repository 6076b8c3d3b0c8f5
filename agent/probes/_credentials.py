"""What a request carries to prove who asks, with secrets from files that may change."""

from base64 import b64encode
from pathlib import Path

from agent.probes._files import Files
from agent.probes._settings import AuthSettings, BasicAuthSettings, CookieSettings


def authorization(auth: AuthSettings, files: Files) -> str:
    """The value of the Authorization header. Raises ProbeFailure when its file cannot be read or sent."""
    if auth.basic_auth is not None:
        return basic_authorization(f"{auth.basic_auth.username}:{_password(auth.basic_auth, files)}")
    token = auth.authorization
    assert token is not None  # noqa: S101 - for the type checker: the model demands one of the two
    credentials = (
        token.credentials.get_secret_value() if token.credentials else _from_file(files, token.credentials_file)
    )
    return f"{token.type} {credentials}"


def _password(basic: BasicAuthSettings, files: Files) -> str:
    if basic.password is not None:
        return basic.password.get_secret_value()
    assert basic.password_file is not None  # noqa: S101 - for the type checker, as below
    return files.text(basic.password_file)  # empty or of several lines, too, as it is sent in base64


def basic_authorization(credentials: str) -> str:
    """The value of an Authorization header for `user:password`."""
    return "Basic " + b64encode(credentials.encode()).decode("ascii")


def cookie_value(cookie: CookieSettings, files: Files) -> str:
    """The value of a cookie, from its file where it has one. Raises ProbeFailure when that cannot be read or sent."""
    return cookie.value if cookie.value is not None else _from_file(files, cookie.value_file)


def _from_file(files: Files, path: Path | None) -> str:
    assert path is not None  # noqa: S101 - for the type checker: the models demand the secret or its file
    return files.secret_for_header(path)
