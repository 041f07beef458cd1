"""Nobody gets in by a token that the site or the gateway did not sign for just this, just now."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from adapters.widget.codes import CloseCode
from adapters.widget.door import Door
from adapters.widget.errors import RefusedError, TokenRefusedError
from adapters.widget.frames import Hello
from adapters.widget.keys import derive_secret
from adapters.widget.tokens import issue_visitor_token, verify_site_token, verify_visitor_token
from agent.ids import UserId, new_user_id
from tests.adapters.widget.make import (
    GATEWAY_SECRET,
    NOW_S,
    ORIGIN,
    OTHER_SHARED,
    PRIVATE_KEY,
    PUBLIC_PEM,
    SHARED,
    SITE,
    SITES,
    claims,
    site_token,
)

KEYS = SITE.signing_keys


def encode(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: object, payload: object, key: bytes | str = SHARED) -> str:
    """A token with this very header and payload, signed by HMAC-SHA256 whatever the header says."""
    text = f"{encode(header)}.{encode(payload)}"
    secret = key if isinstance(key, bytes) else key.encode()
    return f"{text}.{encode(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "one"}


def with_header(**changes: object) -> str:
    return signed({**HEADER, **changes}, claims())


def with_claims(**changes: object) -> str:
    return signed(HEADER, claims(NOW_S, **changes))


def asymmetric(key: object, algorithm: str, kid: str) -> str:
    return jwt.encode(claims(), key, algorithm=algorithm, headers={"kid": kid})  # type: ignore[arg-type]


def tampered() -> str:
    head, _, signature = site_token().split(".")
    return f"{head}.{encode(claims(sub='bob'))}.{signature}"


FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "a word": lambda: "letmein",
    "three dots": lambda: "...",
    "not ASCII": lambda: "ü.ü.ü",
    "alg none": lambda: f"{encode({'alg': 'none', 'kid': 'one'})}.{encode(claims())}.",
    "alg None in capitals": lambda: f"{encode({'alg': 'NONE', 'kid': 'one'})}.{encode(claims())}.",
    "alg none with a signature": lambda: with_header(alg="none"),
    "alg missing": lambda: signed({"typ": "JWT", "kid": "one"}, claims()),
    "alg a list": lambda: with_header(alg=["HS256"]),
    "alg HS512": lambda: jwt.encode(claims(), SHARED * 2, algorithm="HS512", headers={"kid": "one"}),
    "alg in small letters": lambda: with_header(alg="hs256"),
    "public key as HMAC secret": lambda: signed({**HEADER, "kid": "two"}, claims(), PUBLIC_PEM),
    "EdDSA by the name of the HMAC key": lambda: asymmetric(PRIVATE_KEY, "EdDSA", "one"),
    "HS256 by the name of the EdDSA key": lambda: with_header(kid="two"),
    "RSA": lambda: asymmetric(generate_private_key(65537, 2048), "RS256", "one"),
    "another Ed25519 key": lambda: asymmetric(Ed25519PrivateKey.generate(), "EdDSA", "two"),
    "key in the header": lambda: with_header(jwk={"kty": "oct", "k": encode(b"x")}, alg="HS256", kid="three"),
    "unknown critical header": lambda: with_header(crit=["exp"]),
    "detached payload": lambda: with_header(b64=False, crit=["b64"]),
    "wrong key": lambda: signed(HEADER, claims(), OTHER_SHARED),
    "empty key": lambda: signed(HEADER, claims(), b"\x00"),
    "kid unknown": lambda: with_header(kid="three"),
    "kid missing": lambda: signed({"alg": "HS256"}, claims()),
    "kid a number": lambda: with_header(kid=1),
    "payload tampered": tampered,
    "signature cut": lambda: site_token()[:-4],
    "signature missing": lambda: site_token().rsplit(".", 1)[0] + ".",
    "header a list": lambda: signed([], claims()),
    "payload a list": lambda: signed(HEADER, ["sub"]),
    "payload no JSON": lambda: signed(HEADER, b"{sub:"),
    "payload nested without end": lambda: signed(HEADER, b"[" * 3000),
    "expired": lambda: with_claims(exp=int(NOW_S) - 6, iat=int(NOW_S) - 300),
    "no exp": lambda: with_claims(exp=None),
    "exp a string": lambda: with_claims(exp=str(int(NOW_S) + 60)),
    "exp true": lambda: with_claims(exp=True),
    "exp NaN": lambda: with_claims(exp=float("nan")),
    "exp beyond all numbers": lambda: with_claims(exp=10**400),
    "no iat": lambda: with_claims(iat=None),
    "iat in the future": lambda: with_claims(iat=int(NOW_S) + 60, exp=int(NOW_S) + 600),
    "not valid yet": lambda: with_claims(nbf=int(NOW_S) + 60),
    "valid for 16 minutes": lambda: with_claims(iat=int(NOW_S), exp=int(NOW_S) + 960),
    "exp before iat": lambda: with_claims(iat=int(NOW_S) + 20, exp=int(NOW_S) + 10),
    "no jti": lambda: with_claims(jti=None),
    "no sub": lambda: with_claims(sub=None),
    "sub empty": lambda: with_claims(sub=""),
    "sub a number": lambda: with_claims(sub=7),
    "no aud": lambda: with_claims(aud=None),
    "aud of another site": lambda: with_claims(aud="blog"),
    "aud a list": lambda: with_claims(aud=["shop", "blog"]),
    "signed by another site": lambda: signed(HEADER, claims(aud="blog"), OTHER_SHARED),
    "e-mail a list": lambda: with_claims(email=["ann@example.com"]),
    "e-mail that is none": lambda: with_claims(email="x", email_verified=True),
    "e-mail of two words": lambda: with_claims(email="ann lee@example.com", email_verified=True),
    "verified in words": lambda: with_claims(email_verified="yes"),
    "thread of a private form": lambda: with_claims(threads=["~abc"]),
    "threads a string": lambda: with_claims(threads="ticket"),
    "oversized": lambda: with_claims(attributes={"x": "y" * 9_000}),
    "visitor of another site": lambda: issue_visitor_token(new_user_id(), "blog", GATEWAY_SECRET, NOW_S),
    "visitor by another gateway": lambda: issue_visitor_token(
        new_user_id(), "shop", derive_secret(bytes(range(99, 140))), NOW_S
    ),
    "visitor signed by the site": lambda: signed(
        {**HEADER, "typ": "visitor+jwt"}, {"sub": new_user_id(), "aud": "visitor:shop"}
    ),
    "site token by the visitors' key": lambda: signed(HEADER, claims(), GATEWAY_SECRET.visitor),
    "visitor with an id of their choice": lambda: signed(
        {"alg": "HS256", "typ": "visitor+jwt"}, {"sub": "admin", "aud": "visitor:shop"}, GATEWAY_SECRET.visitor
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_tokens_are_refused_with_4401(name: str) -> None:
    """An identity that can be forged makes every other rule worthless. Proves: WI-20."""
    frame = Hello(type="hello", v=1, site="shop", cursor=0, token=FORGED[name]())
    with pytest.raises(RefusedError) as refused:
        Door(SITES, GATEWAY_SECRET).admit(frame, ORIGIN, NOW_S)
    assert refused.value.code is CloseCode.TOKEN
    assert refused.value.reason.startswith("token: expected")


def test_there_are_forty_forgeries_at_least() -> None:
    """The figure that is promised. Proves: WI-20."""
    assert len(FORGED) >= 40


def test_the_forger_s_hand_makes_good_tokens_too() -> None:
    """So each forgery fails by the one thing that is wrong with it. Proves: WI-20."""
    assert verify_site_token(signed(HEADER, claims()), "shop", KEYS, NOW_S).subject == "ann"
    visitor = {"sub": "usr_" + "0" * 32, "aud": "visitor:shop"}
    token = signed({"alg": "HS256", "typ": "visitor+jwt"}, visitor, GATEWAY_SECRET.visitor)
    assert verify_visitor_token(token, "shop", GATEWAY_SECRET) == visitor["sub"]


def test_a_good_token_tells_the_site_s_claims() -> None:
    """What the site vouches for reaches the user record. Proves: WI-21."""
    token = site_token(email="ann@example.com", email_verified=True, threads=["T-1"], attributes={"plan": "pro"})
    found = verify_site_token(token, "shop", KEYS, NOW_S)
    assert (found.subject, found.email, found.first_name) == ("ann", "ann@example.com", "Ann")
    assert found.threads == {"T-1"}
    assert found.attributes == {"plan": "pro"}


def test_an_unverified_e_mail_is_not_kept() -> None:
    """An address that nobody verified could be anybody's. Proves: WI-21."""
    assert verify_site_token(site_token(email="ann@example.com"), "shop", KEYS, NOW_S).email is None


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_blank_e_mail_is_none_even_when_verified(blank: str) -> None:
    """A site that fills in a blank for people without an address shuts nobody out. Proves: WI-21."""
    token = site_token(email=blank, email_verified=True)
    assert verify_site_token(token, "shop", KEYS, NOW_S).email is None


def test_both_active_keys_of_a_site_are_taken() -> None:
    """Keys are rotated without a moment in which people are locked out. Proves: WI-22."""
    by_ed = asymmetric(PRIVATE_KEY, "EdDSA", "two")
    assert verify_site_token(by_ed, "shop", KEYS, NOW_S).subject == "ann"
    assert verify_site_token(site_token(), "shop", KEYS, NOW_S).subject == "ann"


def test_a_key_that_was_taken_away_no_longer_counts() -> None:
    """Rotation ends with the old key. Proves: WI-22."""
    with pytest.raises(TokenRefusedError):
        verify_site_token(site_token(), "shop", KEYS[1:], NOW_S)


def test_times_may_have_fractions() -> None:
    """JavaScript's Date.now() / 1000 has them. Proves: WI-21."""
    token = site_token(exp=NOW_S + 60.25, iat=NOW_S - 0.5)
    assert verify_site_token(token, "shop", KEYS, NOW_S).expires_at_s == NOW_S + 60.25


def test_a_visitor_is_who_they_were() -> None:
    """A visitor has no other proof than the token. Proves: WI-3."""
    user_id = UserId("usr_" + "a1" * 16)
    token = issue_visitor_token(user_id, "shop", GATEWAY_SECRET, NOW_S)
    assert verify_visitor_token(token, "shop", GATEWAY_SECRET) == user_id


def test_neither_kind_of_token_passes_as_the_other() -> None:
    """Else a site could name any visitor, and a visitor be anybody of a site. Proves: WI-20."""
    visitor = issue_visitor_token(new_user_id(), "shop", GATEWAY_SECRET, NOW_S)
    with pytest.raises(TokenRefusedError):
        verify_site_token(visitor, "shop", KEYS, NOW_S)
    with pytest.raises(TokenRefusedError):
        verify_visitor_token(site_token(), "shop", GATEWAY_SECRET)


def test_refusals_do_not_repeat_the_token() -> None:
    """Reasons are shown and logged; tokens are secrets. Proves: WI-20."""
    with pytest.raises(TokenRefusedError) as refused:
        verify_site_token(site_token(exp=1), "shop", KEYS, NOW_S)
    assert "eyJ" not in str(refused.value)
