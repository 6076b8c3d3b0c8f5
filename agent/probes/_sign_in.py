"""What a sign-in in the way means for probes that must see past it."""

from agent.core.reasons import Reason
from agent.core.run import Inconclusive, ProbeFailure
from agent.probes._http import Response
from agent.probes._settings import Model
from agent.probes._text import quote
from agent.probes._verdict import location_of, sign_in_location

_ADVICE = (
    "To get a verdict, give the deployment a session: {provider: ..., token_file: ...} or {local_provider: true}; "
    "a check of your own takes auth or cookies."
)


class SignInExpectation(Model):
    """What to take for a sign-in."""

    login_paths: tuple[str, ...] = ()
    """Beginnings of paths, or of whole URLs, to which a 302 or 303 means: sign in."""


def judge_sign_in(response: Response, expected: SignInExpectation, *, url: str, authenticated: bool) -> None:
    """Lets pass what is no sign-in. Raises ProbeFailure for refused credentials and, without any, Inconclusive.

    Who answers so may be a part of the path, so without credentials it says nothing about what lies behind.
    """
    if sign_in_location(response, expected.login_paths, url):
        said = f"{response.status} to {quote(location_of(response))}"
    elif response.status in (401, 403):
        said = f"{response.status} {quote(response.body.strip())}" if response.body else f"{response.status}"
    else:
        return
    raise sign_in_wanted(said, authenticated=authenticated)


def sign_in_wanted(said: str, *, authenticated: bool) -> ProbeFailure | Inconclusive:
    """What it means that the target wants a sign-in; `said`: how it says so, bounded."""
    if authenticated:
        return ProbeFailure(Reason.AUTH_REJECTED, f"the credentials are not accepted: {said}")
    return Inconclusive(f"it wants a sign-in before anything else: {said}", _ADVICE)
