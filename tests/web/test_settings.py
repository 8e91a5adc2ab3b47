"""Only this computer can open the page, unless that is said; then a token is needed."""

from __future__ import annotations

import pytest
from pressloop.errors import BadInputError
from pressloop.web.settings import is_loopback, token_for


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.5.6.7"])
def test_the_loopback_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert token_for(host, allow_remote=False, given=None) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.20", "lab-pc", "::", "", "127.0.0.1.evil"])
def test_any_other_address_needs_the_option_and_gets_a_token(host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(BadInputError) as refusal:
        token_for(host, allow_remote=False, given="a-long-token-of-the-lab")
    assert refusal.value.code == "not-loopback"
    tokens = {token_for(host, allow_remote=True, given=None) for _ in range(3)}
    assert len(tokens) == 3 and all(token and len(token) >= 32 for token in tokens)
    given = "a-long-token-of-the-lab"
    assert token_for(host, allow_remote=True, given=given) == given


def test_a_short_token_is_refused() -> None:
    with pytest.raises(BadInputError) as refusal:
        token_for("0.0.0.0", allow_remote=True, given="secret")
    assert refusal.value.code == "weak-token"
