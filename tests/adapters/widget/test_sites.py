"""A site that cannot be served safely is refused before anything is served."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from adapters.widget.errors import SiteInvalidError
from adapters.widget.keys import Algorithm, SigningKey, derive_secret
from adapters.widget.routes import build_widget
from adapters.widget.sites import Site
from agent.ids import AgentId
from tests.adapters.widget.make import DEMO, ED_KEY, HS_KEY, ORIGIN, PRIVATE_KEY, PUBLIC_PEM, SECRET, SHARED, SITE
from tests.support.fake_gateway import FakeGateway


def make_site(key: str = "shop", origins: tuple[str, ...] = (ORIGIN,), **fields: object) -> Site:
    return Site(key=key, origins=frozenset(origins), agent_id=AgentId("assistant"), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*.example.com",
        "https://example.com/",
        "https://example.com/path",
        "https://Example.com",
        "https://example.com:443",
        "http://example.com:80",
        "https://user@example.com",
        "https://example.com?x",
        "example.com",
        "ftp://example.com",
        "null",
        "",
        "https://",
        "https://example.com:99999",
        "https://bücher.example",
    ],
)
def test_origins_that_no_browser_sends_are_refused(origin: str) -> None:
    """A wildcard opens the site to everybody; a misspelt origin shuts it for all. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match=r"shop\.origins: expected"):
        make_site(origins=(origin,))


@pytest.mark.parametrize("origin", ["https://example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"])
def test_exact_origins_are_taken(origin: str) -> None:
    """As browsers send them. Proves: WI-19."""
    site = make_site(origins=(origin,))
    assert site.may_connect(origin)
    assert not site.may_connect(origin + "0")
    assert not site.may_connect(origin.upper())
    assert not site.may_connect(None)


def test_clients_without_an_origin_come_in_where_the_site_says_so() -> None:
    """A program may use the site, a foreign page may not. Proves: WI-19."""
    site = make_site(allows_no_origin=True)
    assert site.may_connect(None)
    assert not site.may_connect("null")


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        ("http://localhost:8080", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:8080", True),
        ("https://localhost", True),
        (None, True),
        ("http://localhost.evil.example", False),
        ("http://evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://localhost:8080/", False),
        ("null", False),
        ("file://", False),
    ],
)
def test_the_demo_site_is_for_this_machine_alone(origin: str | None, is_let_in: bool) -> None:
    """Any page on the web could else use a developer's gateway. Proves: WI-19."""
    assert DEMO.may_connect(origin) is is_let_in


@pytest.mark.parametrize("key", ["", "a:b", "a/b", "-a", "a b", "x" * 65, "ä"])
def test_site_keys_have_no_character_that_means_something_else(key: str) -> None:
    """The key is part of session ids, which colons divide. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match="site key"):
        make_site(key=key)


def test_a_site_has_two_keys_at_most_each_with_its_own_kid() -> None:
    """Two are what rotation needs; two of one name could not be told apart. Proves: WI-22."""
    third = SigningKey(kid="three", algorithm="HS256", material=SHARED)
    with pytest.raises(SiteInvalidError, match="signing_keys"):
        make_site(signing_keys=(HS_KEY, ED_KEY, third))
    with pytest.raises(SiteInvalidError, match="signing_keys"):
        make_site(signing_keys=(HS_KEY, HS_KEY))


@pytest.mark.parametrize(
    "material",
    [
        "",
        " " * 40,
        "short",
        "x" * 31,
        "a" * 64,
        "changeme-changeme-changeme-changeme",
        PUBLIC_PEM,
        '{"kty":"oct","k":"' + SHARED + '"}',
    ],
)
def test_weak_shared_secrets_are_refused(material: str) -> None:
    """Who guesses the secret is everybody. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match=r"one\.material: expected"):
        SigningKey(kid="one", algorithm="HS256", material=material)


def public_pem(key: ed448.Ed448PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_only_an_ed25519_public_key_is_one() -> None:
    """A private key has no place in the gateway's configuration. Proves: WI-30."""
    private = PRIVATE_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    others = [public_pem(ed448.Ed448PrivateKey.generate()), public_pem(rsa.generate_private_key(65537, 2048))]
    for material in ("", SHARED, "\ud800", private, *others):
        with pytest.raises(SiteInvalidError, match="Ed25519 public key"):
            SigningKey(kid="two", algorithm="EdDSA", material=material)


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256", ""])
def test_other_algorithms_are_refused(algorithm: Algorithm) -> None:
    """Two suffice, and each more is a way in. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match="HS256 or EdDSA"):
        SigningKey(kid="one", algorithm=algorithm, material=SHARED)


@pytest.mark.parametrize("secret", [b"", b"short", b" " * 64, b"\x00" * 32, b"changeme" * 8])
def test_a_weak_gateway_secret_is_refused(secret: bytes) -> None:
    """It signs every visitor's token. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match="gateway secret: expected"):
        build_widget(FakeGateway(), {"shop": SITE}, secret, "i1")


def test_a_site_goes_by_its_own_key_only() -> None:
    """Its tokens are bound to that key. Proves: WI-30."""
    with pytest.raises(SiteInvalidError, match=r"sites\.blog"):
        build_widget(FakeGateway(), {"blog": SITE}, SECRET, "i1")


def test_secrets_do_not_show_in_a_repr() -> None:
    """A log line or a traceback must not give them away. Proves: WI-30."""
    assert SHARED not in repr(SITE)
    assert derive_secret(SECRET).visitor not in repr(derive_secret(SECRET))
