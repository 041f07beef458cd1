"""Secrets known by their shape alone: issuers' keys, web tokens, private key files, URLs and headers with credentials.

Every function searches a folded text and gives spans of that text. All are linear in its length.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest

from agent.secret_kinds import Secret, SecretKind
from agent.secret_talk import is_placeholder
from agent.secret_text import is_word

_LEAST = 16
_LONGEST = 8192
_JUDGED = 256

# Beginnings of keys, with the number of characters that usually follow; a key broken over lines is read on to there.
_ISSUED: tuple[tuple[int, str], ...] = (
    (20, r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|wt)-|dp\.(?:pt|st|ct|sa)\."),
    (72, r"xox[a-z](?:\.xox[a-z])?-"),
    (96, r"xapp-"),
    (99, r"[sr]k_(?:live|test)_51"),
    (24, r"[sr]k_(?:(?:live|test|prod)_)?|whsec_|shp(?:at|ca|pa|ss)_|sq0(?:atp|csp|idp)-|nra[kl]-|nrii-|re_|fc-|pmak-"),
    (28, r"gocspx-|dckr_(?:pat|oat)_|1//0|ya29\.|lsv2_(?:pt|sk)_|pul-|rdme_|duffel_(?:live|test)_|rzp_(?:live|test)_"),
    (32, r"rubygems_|tskey-(?:auth|api|client)-|sntry[su]_|napi_|dt0c01\.|flwseck(?:_test)?-|nvapi-|tvly-"),
    (34, r"hf_|api_org_|pscale_(?:tkn|pw|oauth)_|apify_api_|bkua_|cfpat-|sq[pua]_|akcp|hrku-|nfp_|rnd_|fo1_|pnu_|ops_"),
    (35, r"aiza|(?:bot)?\d{8,10}:(?=[a-z0-9_-]{30}|AA[a-z0-9_-]{2})"),
    (36, r"gh[pousr]_|npm_|pat-[a-z]{2}\d-|tfp_|lob_|eaa[ac]|vc[apik]_|cio_|ddp_|cci(?:pat|prj)_|access-production-"),
    (41, r"lin_(?:api|oauth)_|figd_|sbp_|sb_secret_|r8_|atbb|shippo_(?:live|test)_|csk-|pplx-|xai-|glsa_|glc_"),
    (46, r"ntn_|secret_(?=[A-Za-z0-9]{20})|patv?[a-z0-9]{14}\.|sk\.eyj|pcsk_|gsk_|aa{20}|fm[12]_|fio-u-"),
    (90, r"sk-(?:proj|ant)[a-z0-9-]{0,7}-|hv[sbr]\.|github_pat_"),
    (165, r"pypi-"),
    (64, r"sk-or-(?:v1-)?|dop_v1_|doo_v1_|dor_v1_|at(?:att|ctt)3|sg\.|[mno][a-z0-9]{23,27}\.[a-z0-9_-]{6}\."),
    (48, r"sk-|tk-us-|ezak|eztk|shub_|sl\.(?:b\.)?|prd-us-|oai-|age-secret-key-1"),
    (81, r"xkeysib-|xsmtpsib-|eyj"),
    (60, r"(?:https://)?(?:hooks\.slack\.com/[a-z]+/|discord(?:app)?\.com/api/webhooks/\d+/|webhook\.office\.com/)"),
)
_ISSUED_START = re.compile(
    r"(?<![A-Za-z0-9])(?:" + "|".join(f"(?P<size{i}>{start})" for i, (_, start) in enumerate(_ISSUED)) + ")", re.I
)
# Beginnings that words share, so the rest must be right to the character.
_EXACT_START = re.compile(
    r"(?<![A-Za-z0-9])(?:(?P<base32>A(?:KI|SI|BI|CC)A)|(?P<hex>SK|AC|AP|[Kk]ey-|dapi|EZ[AT]K)(?=[0-9a-f]{6}))"
)
_EXACT_REST = {"base32": (re.compile(r"[A-Z2-7]{1,17}"), 16), "hex": (re.compile(r"[0-9a-f]{1,33}"), 32)}
_MAILCHIMP = re.compile(r"(?<![A-Za-z0-9])[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])")
_AWS_SECRET = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")

_CHUNK = re.compile(rf"[A-Za-z0-9_./+=~:%-]{{1,{_LONGEST}}}")
_BREAK = re.compile(r"[ \t]{0,2}(?:\r?\n)?[ \t]{0,2}")
_SEGMENT = re.compile(r"[A-Za-z0-9]+")


def is_random(token: str) -> bool:
    """Whether a token looks drawn by lot: all sorts of characters in sixteen, or a part of ten that no word has.

    Judged by its first 256 characters."""
    token = token[:_JUDGED]
    if len(set(token)) < 6:
        return False
    has_all = len(token) >= 16 and _has_all_sorts(token)
    return has_all or any(
        len(part) >= 20 or (len(part) >= 10 and (_is_mixed(part) or not part.isalpha()))
        for part in _SEGMENT.findall(token)
    )


def _has_all_sorts(token: str) -> bool:
    return any(map(str.isdigit, token)) and not token.isupper() and not token.islower()


def _is_mixed(part: str) -> bool:
    has_digit, has_letter = any(map(str.isdigit, part)), any(map(str.isalpha, part))
    return has_letter and (has_digit or not (part.islower() or part.isupper() or part.istitle()))


def read_token(text: str, start: int, size: int) -> int:
    """The end of the opaque token at `start`, which usually has `size` characters; `start` when there is none.

    A token broken by a space or a line break is read on while it is too short and what follows looks like its
    rest, and later only while what follows looks random."""
    chunk = _CHUNK.match(text, start)
    if chunk is None:
        return start
    end, length = chunk.end(), len(chunk[0])
    while length < _LONGEST:
        gap = _BREAK.match(text, end)
        rest = _CHUNK.match(text, gap.end()) if gap and gap.end() > end else None
        if rest is None:
            break
        tail = rest[0].rstrip(".:")
        is_due = length + len(tail) == size or (length < size and len(tail) >= 4 and _is_mixed(tail))
        if not (is_due or is_random(tail)):
            break
        end, length = rest.start() + len(tail), length + len(tail)
    while end > start and text[end - 1] in ".:%~":
        end -= 1
    return end


def find_issued_keys(text: str) -> Iterator[Secret]:
    """Keys and tokens that carry their issuer's mark."""
    position = 0
    while match := _ISSUED_START.search(text, position):
        size = next(size for i, (size, _) in enumerate(_ISSUED) if match[f"size{i}"] is not None)
        end = read_token(text, match.end(), size)
        rest = text[match.end() : end]
        is_web_token = match[0].lower() == "eyj"
        if len(rest) >= _LEAST and is_random(rest) and (not is_web_token or "." in rest[4:-4]):
            kind = SecretKind.TOKEN if is_web_token else SecretKind.API_KEY
            yield Secret(kind=kind, start=match.start(), end=end)
        position = max(match.end(), end)


def find_exact_keys(text: str) -> Iterator[Secret]:
    """Keys whose beginning alone says little, known by the exact length and alphabet of what follows."""
    for match in _EXACT_START.finditer(text):
        pattern, size = _EXACT_REST[str(match.lastgroup)]
        position, length = match.end(), 0
        for _ in range(3):
            rest = pattern.match(text, position)
            length += len(rest[0]) if rest else 0
            position = rest.end() if rest else position
            if length >= size or not (gap := _BREAK.match(text, position)):
                break
            position = gap.end()
        if length == size and not is_word(text[position : position + 1]):
            yield Secret(kind=SecretKind.API_KEY, start=match.start(), end=position)
            if match["base32"] and (pair := _AWS_SECRET.search(text, position, position + 160)) and is_random(pair[0]):
                yield Secret(kind=SecretKind.API_KEY, start=pair.start(), end=pair.end())
    for match in _MAILCHIMP.finditer(text):
        yield Secret(kind=SecretKind.API_KEY, start=match.start(), end=match.end())


_KEY_EDGE = re.compile(r"-{2,5}\s?(?P<edge>BEGIN|END)(?: [A-Z0-9]{1,12}){0,3} PRIVATE KEY(?: BLOCK)?\s?-{2,5}", re.I)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/]{16}")
_LONG_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/]{40}")


def find_private_keys(text: str) -> Iterator[Secret]:
    """Private key files, whole or cut off; the mere header line is none."""
    edges = list(_KEY_EDGE.finditer(text))
    for edge, following in zip_longest(edges, edges[1:]):
        if edge["edge"].upper() != "BEGIN":
            continue
        is_whole = following is not None and following["edge"].upper() == "END"
        limit = following.start() if following else len(text)
        material = _KEY_MATERIAL if is_whole else _LONG_KEY_MATERIAL
        if material.search(text, edge.end(), limit):
            end = following.end() if following and is_whole else limit
            yield Secret(kind=SecretKind.PRIVATE_KEY, start=edge.start(), end=end)


_URL_CREDENTIALS = re.compile(r"(?<=://)(?P<user>[^\s/:@\"'<>]{0,100}):(?P<password>[^\s\"'<>]{1,256})@(?=[^\s@])")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|$)")


def find_url_credentials(text: str) -> Iterator[Secret]:
    """The name and password of URLs like `scheme://name:password@host`."""
    for match in _URL_CREDENTIALS.finditer(text):
        if not _PORT.match(match["password"]) and not is_placeholder(match["password"]):
            yield Secret(kind=SecretKind.CREDENTIALS, start=match.start(), end=match.end() - 1)


_HEADER = re.compile(
    r"(?:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?:bearer|basic|token|digest|apikey|key)\s{1,3})?"
    r"|(?<![a-z])(?:bearer|basic)(?: token)?[:=]?\s{1,3})(?=[A-Za-z0-9+/_.~-]{6})",
    re.I,
)


def find_authorization(text: str) -> Iterator[Secret]:
    """What follows `Authorization:` or `Bearer`, unless it is a word."""
    position = 0
    while match := _HEADER.search(text, position):
        position = read_token(text, match.end(), _LEAST)
        token = text[match.end() : position]
        is_named = match[0].lower().startswith("authorization")
        is_given = is_named and _is_mixed(token.rstrip("="))
        if (is_random(token) or is_given) and not is_placeholder(token):
            yield Secret(kind=SecretKind.TOKEN, start=match.end(), end=position)
        position = max(match.end(), position)
