"""Synthetic secrets and their innocent look-alikes, all drawn from a seeded generator: nothing here was ever in use.

Every `draw` function takes the generator and returns one value as its issuer would write it. They follow the issuers'
documented formats, not the product's patterns.
"""

import base64
import json
import string
import uuid
from collections.abc import Callable
from random import Random

ALNUM = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
DIGITS = string.digits
URL_SAFE = ALNUM + "-_"

Draw = Callable[[Random], str]


def chars(rng: Random, alphabet: str, count: int) -> str:
    """`count` characters of the alphabet."""
    return "".join(rng.choice(alphabet) for _ in range(count))


def fill(rng: Random, pattern: str) -> str:
    """The pattern with `#` replaced by digits and `@` by capital letters."""
    return "".join({"#": rng.choice(DIGITS), "@": rng.choice(string.ascii_uppercase)}.get(c, c) for c in pattern)


def vendor_key(prefix: str, alphabet: str, count: int, suffix: str = "") -> Draw:
    """A generator of keys with a vendor's prefix and a random rest."""
    return lambda rng: prefix + chars(rng, alphabet, count) + suffix


VENDOR_KEYS: dict[str, list[Draw]] = {
    "slack": [
        lambda rng: f"xoxb-{chars(rng, DIGITS, 12)}-{chars(rng, DIGITS, 13)}-{chars(rng, ALNUM, 24)}",
        lambda rng: "xoxp-" + "-".join(chars(rng, DIGITS, 12) for _ in range(3)) + "-" + chars(rng, HEX, 32),
        lambda rng: f"xapp-1-A{chars(rng, BASE32, 10)}-{chars(rng, DIGITS, 13)}-{chars(rng, HEX, 64)}",
        lambda rng: "https://hooks.slack.com/services/" + fill(rng, "T@@######/B@@########/") + chars(rng, ALNUM, 24),
    ],
    "model vendors": [
        vendor_key("sk-", ALNUM, 48),
        vendor_key("sk-proj-", URL_SAFE, 124),
        vendor_key("sk-ant-api03-", URL_SAFE, 93, "AA"),
        vendor_key("sk-or-v1-", HEX, 64),
        vendor_key("hf_", string.ascii_letters, 34),
        vendor_key("gsk_", ALNUM, 52),
        vendor_key("r8_", ALNUM, 37),
    ],
    "github": [
        vendor_key("ghp_", ALNUM, 36),
        vendor_key("gho_", ALNUM, 36),
        vendor_key("ghs_", ALNUM, 36),
        lambda rng: f"github_pat_{chars(rng, ALNUM, 22)}_{chars(rng, ALNUM, 59)}",
    ],
    "gitlab": [vendor_key("glpat-", URL_SAFE, 20), vendor_key("glrt-", URL_SAFE, 20)],
    "aws key id": [vendor_key("AKIA", BASE32, 16), vendor_key("ASIA", BASE32, 16)],
    "google": [vendor_key("AIza", URL_SAFE, 35), vendor_key("GOCSPX-", URL_SAFE, 28)],
    "stripe": [
        vendor_key("sk_live_", ALNUM, 24),
        vendor_key("sk_live_51", ALNUM, 97),
        vendor_key("rk_live_", ALNUM, 24),
        vendor_key("sk_test_", ALNUM, 24),
        vendor_key("whsec_", ALNUM, 32),
    ],
    "registries": [
        vendor_key("npm_", ALNUM, 36),
        vendor_key("pypi-AgEIcHlwaS5vcmc", URL_SAFE, 140),
        vendor_key("dckr_pat_", URL_SAFE, 27),
    ],
    "twilio": [vendor_key("SK", HEX, 32), vendor_key("AC", HEX, 32)],
    "mail": [
        lambda rng: f"SG.{chars(rng, URL_SAFE, 22)}.{chars(rng, URL_SAFE, 43)}",
        vendor_key("key-", HEX, 32),
        lambda rng: f"xkeysib-{chars(rng, HEX, 64)}-{chars(rng, ALNUM, 16)}",
    ],
    "telegram": [lambda rng: f"{rng.choice('123456789')}{chars(rng, DIGITS, 9)}:AA{chars(rng, URL_SAFE, 33)}"],
    "discord": [
        lambda rng: f"M{chars(rng, ALNUM, 25)}.G{chars(rng, ALNUM, 5)}.{chars(rng, URL_SAFE, 38)}",
        lambda rng: f"https://discord.com/api/webhooks/{chars(rng, DIGITS, 18)}/{chars(rng, URL_SAFE, 68)}",
    ],
    "clouds": [
        vendor_key("dop_v1_", HEX, 64),
        vendor_key("shpat_", HEX, 32),
        vendor_key("dapi", HEX, 32),
        vendor_key("hvs.", URL_SAFE, 90),
        vendor_key("glsa_", ALNUM, 32, "_0a1b2c3d"),
        vendor_key("lin_api_", ALNUM, 40),
        vendor_key("ntn_", ALNUM, 46),
        vendor_key("figd_", URL_SAFE, 40),
        vendor_key("sbp_", HEX, 40),
        vendor_key("tskey-auth-", ALNUM, 34),
        vendor_key("PMAK-", HEX, 24, "-0123456789abcdef0123456789abcdef01"),
    ],
}

WORDS = """
    sunshine dragon monkey swordfish princess football shadow butterfly banana whisper copper velvet lantern pepper
    walnut thunder pirate cactus marble violin rocket saturn pumpkin ginger falcon harbor meadow tiger maple cobalt
"""
NAMES = "Rex Luna Felix Anna Berlin Chelsea Summer Sommer Soleil Paris Madrid Lucas Emma Winter Bella Oscar"


def plain_word(rng: Random) -> str:
    """A dictionary word, as bad passwords are."""
    return rng.choice(WORDS.split())


def weak_password(rng: Random) -> str:
    """What people choose: a name or a word with a year, a number or a bang."""
    base = rng.choice([rng.choice(NAMES.split()), rng.choice(WORDS.split()), rng.choice(WORDS.split()).title()])
    return base + rng.choice([str(rng.randint(1950, 2026)), str(rng.randint(1, 99)), f"{rng.randint(1, 999)}!", "!1"])


def leet_password(rng: Random) -> str:
    """A word with letters swapped for digits and signs."""
    word = rng.choice(WORDS.split()).translate(str.maketrans("aeio", "@310"))
    return word.title() + rng.choice("!$#?&") + str(rng.randint(0, 99))


def strong_password(rng: Random) -> str:
    """What a password manager makes."""
    body = chars(rng, ALNUM + "!#$%&*+-.=?@^_~", rng.randint(10, 20))
    return rng.choice(string.ascii_letters) + body + rng.choice(ALNUM)


def passphrase(rng: Random) -> str:
    """Four words and perhaps a number, joined by dashes."""
    return "-".join(rng.sample(WORDS.split(), 4)) + rng.choice(["", str(rng.randint(1, 99))])


def spaced_passphrase(rng: Random) -> str:
    """Four words with spaces."""
    return " ".join(rng.sample(WORDS.split(), 4))


def password(rng: Random) -> str:
    """Any password that is not a mere dictionary word."""
    return rng.choice([weak_password, weak_password, leet_password, strong_password, passphrase])(rng)


def pin(rng: Random) -> str:
    """Four to six digits."""
    return chars(rng, DIGITS, rng.choice([4, 4, 4, 5, 6]))


def luhn_digit(payload: str) -> str:
    """The digit that makes payload + digit pass Luhn."""
    total = 0
    for position, char in enumerate(reversed(payload)):
        value = int(char) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


CARD_RANGES: dict[str, tuple[tuple[str, ...], int]] = {
    "visa": (("4",), 16),
    "visa 19": (("4",), 19),
    "mastercard": (("51", "52", "53", "54", "55", "2221", "2500", "2719"), 16),
    "amex": (("34", "37"), 15),
    "discover": (("6011", "644", "649", "65"), 16),
    "diners": (("300", "305", "36", "38"), 14),
    "jcb": (("3528", "3550", "3589"), 16),
    "unionpay": (("620", "6258", "81"), 16),
    "maestro": (("5018", "5020", "5038", "6304", "6759", "6761"), 16),
    "mir": (("2200", "2204"), 16),
}


def card(rng: Random, brand: str | None = None) -> str:
    """A card number of some brand, digits only, with a valid check digit."""
    prefixes, length = CARD_RANGES[brand or rng.choice(list(CARD_RANGES))]
    prefix = rng.choice(prefixes)
    payload = prefix + chars(rng, DIGITS, length - 1 - len(prefix))
    return payload + luhn_digit(payload)


def ssn(rng: Random) -> str:
    """A US social security number of a range that is issued, with dashes."""
    area = rng.choice([n for n in range(1, 900) if n != 666])
    return f"{area:03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}"


_IBAN_SHAPES = {
    "DE": "##################",
    "AT": "################",
    "CH": "#################",
    "FR": "##########@@#########8#",
    "ES": "####################",
    "IT": "@######################",
    "NL": "@@@@##########",
    "GB": "@@@@##############",
    "BE": "############",
    "PL": "########################",
    "NO": "###########",
    "SE": "####################",
}


def iban(rng: Random) -> str:
    """An IBAN without spaces, of a dozen countries, with right check digits."""
    country = rng.choice(list(_IBAN_SHAPES))
    body = fill(rng, _IBAN_SHAPES[country])
    as_number = "".join(str(int(c, 36)) for c in f"{body}{country}00")
    return f"{country}{98 - int(as_number) % 97:02}{body}"


def pem(rng: Random) -> str:
    """A private key file of random bytes."""
    label = rng.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY"])
    body = base64.b64encode(rng.randbytes(rng.choice([120, 300, 900]))).decode()
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])


def jwt(rng: Random) -> str:
    """A signed web token with a plausible header and claims."""

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    header = json.dumps({"alg": rng.choice(["HS256", "RS256"]), "typ": "JWT"}, separators=(",", ":")).encode()
    claims = json.dumps({"sub": chars(rng, DIGITS, 8), "exp": rng.randint(10**9, 2 * 10**9)}).encode()
    return f"{part(header)}.{part(claims)}.{part(rng.randbytes(32))}"


def url_password(rng: Random) -> str:
    """A password as it stands in a URL: no reserved characters."""
    return chars(rng, ALNUM + "-_!.", rng.randint(6, 18)) + rng.choice(ALNUM)


def connection_string(rng: Random) -> str:
    """A URL that carries a user's name and password."""
    scheme = rng.choice(["postgres", "postgresql", "mysql", "mongodb+srv", "amqp", "https", "redis", "ftp", "rediss"])
    user = "" if scheme.startswith("redis") else rng.choice(["admin", "app", "root", "bob.smith", "svc_web"])
    host = rng.choice(["db.internal", "localhost:5432", "10.0.3.7:6379", "cluster0.example.net", "git.example.com"])
    return f"{scheme}://{user}:{url_password(rng)}@{host}/{rng.choice(['', 'app', 'prod?ssl=true'])}"


def opaque(rng: Random) -> str:
    """A long random value without any vendor's mark, as many services issue."""
    kinds: list[Callable[[], str]] = [
        lambda: chars(rng, HEX, rng.choice([32, 40, 64])),
        lambda: chars(rng, ALNUM, rng.choice([20, 24, 32, 40])),
        lambda: base64.b64encode(rng.randbytes(rng.choice([24, 32, 48]))).decode(),
        lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    ]
    return rng.choice(kinds)()


def aws_secret(rng: Random) -> str:
    """Forty characters of base64."""
    return chars(rng, ALNUM + "+/", 40)
