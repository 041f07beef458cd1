"""Short ways to make sites, tokens and frames in tests."""

import json
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.widget.commands import Moment
from adapters.widget.door import Door
from adapters.widget.keys import SigningKey, derive_secret
from adapters.widget.limits import Limits, Quotas
from adapters.widget.sites import Look, Site, Starter, build_demo_site
from adapters.widget.wire import Wire
from agent.ids import AgentId
from agent.records import JsonObject, JsonValue

SECRET = bytes(range(7, 47))
SHARED = "kX3v9-Qm2_Zr7Lp0sT4uWy6bNd8cFg1h"
OTHER_SHARED = "Zr7Lp0sT4uWy6bNd8cFg1hkX3v9-Qm2_"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ORIGIN = "https://www.example.com"
NOW_S = 1_800_000_000.0

HS_KEY = SigningKey(kid="one", algorithm="HS256", material=SHARED)
ED_KEY = SigningKey(kid="two", algorithm="EdDSA", material=PUBLIC_PEM)
SITE = Site(
    key="shop",
    origins=frozenset({ORIGIN}),
    signing_keys=(HS_KEY, ED_KEY),
    agent_id=AgentId("assistant"),
    look=Look(title="Help", greeting="Hi!", starters=(Starter(label="Prices", value="What does it cost?"),)),
)
OTHER_SITE = Site(
    key="blog",
    origins=frozenset({"https://blog.example.com"}),
    signing_keys=(SigningKey(kid="one", algorithm="HS256", material=OTHER_SHARED),),
    agent_id=AgentId("assistant"),
)
DEMO = build_demo_site(AgentId("assistant"))
SITES = {site.key: site for site in (SITE, OTHER_SITE, DEMO)}
GATEWAY_SECRET = derive_secret(SECRET)


def claims(now_s: float = NOW_S, **changes: object) -> dict[str, object]:
    """Good claims of the site `shop` for Ann; a change to none takes a claim away."""
    good: dict[str, object] = {
        "sub": "ann",
        "aud": "shop",
        "iat": int(now_s) - 10,
        "exp": int(now_s) + 600,
        "jti": "j1",
        "first_name": "Ann",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


def site_token(now_s: float = NOW_S, **changes: object) -> str:
    """A token as the site `shop` signs it."""
    return jwt.encode(claims(now_s, **changes), SHARED, algorithm="HS256", headers={"kid": "one"})


def hello(**fields: JsonValue) -> JsonObject:
    """A `hello` to the demo site, unless told otherwise."""
    return {"type": "hello", "v": 1, "site": "demo", "cursor": 0, **fields}


def send(text: str = "hi", frame_id: str | None = None, **fields: JsonValue) -> JsonObject:
    """A message with a fresh id."""
    return {"type": "send", "id": frame_id or str(uuid.uuid4()), "text": text, **fields}


def dump(frame: JsonObject) -> str:
    """A frame as it goes over the wire."""
    return json.dumps(frame)


def at(seconds: float) -> Moment:
    """So many seconds after the start."""
    return Moment(1_000.0 + seconds, NOW_S + seconds)


def make_wire(limits: Limits | None = None, *, origin: str | None = None, quotas: Quotas | None = None) -> Wire:
    """A fresh connection at second 0."""
    limits = limits or Limits()
    door = Door(SITES, GATEWAY_SECRET)
    return Wire(door, quotas or Quotas(limits), limits, origin=origin, address="192.0.2.1", at=at(0))
