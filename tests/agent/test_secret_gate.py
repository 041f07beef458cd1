"""The gate lets no secret through and leaves people's talk about secrets alone."""

import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.secret_gate import SecretKind, find_secrets, has_secret, redact
from bench import secret_values as values
from bench import secrets as bench
from tests.agent.secret_pieces import PIECES

SLICE = 24
SEED = 7


def _hidden(text: str) -> str:
    """What the gate takes out of the text, its secrets joined by a bar."""
    return "|".join(text[secret.start : secret.end] for secret in find_secrets(text))


def test_at_least_95_percent_of_made_up_secrets_are_found_whole() -> None:
    """A secret in a memory comes back in any later prompt, so nothing of it may be left. Proves: UM-12."""
    scores = bench.score(bench.build_secrets(seed=SEED, count=SLICE), bench.is_missed)
    assert len(scores) > 30
    assert 1 - bench.overall(scores) >= bench.RECALL_FLOOR
    assert {s.label: [x.text for x in s.wrong] for s in scores if s.rate > 0.13} == {}


def test_at_most_2_percent_of_innocent_sentences_raise_an_alarm() -> None:
    """A gate that cries wolf loses memories: numbers, hashes and talk about passwords must pass. Proves: UM-12."""
    scores = bench.score(bench.build_lookalikes(seed=SEED, count=SLICE), bench.is_false_alarm)
    assert len(scores) > 14
    assert bench.overall(scores) <= bench.FALSE_ALARM_CEILING
    talk = next(s for s in scores if s.label == "talk about secrets")
    assert talk.rate <= bench.FALSE_ALARM_CEILING, [s.text for s in talk.wrong]


def test_what_is_redacted_has_no_secret_left_and_stays_as_it_is() -> None:
    """Redacted text is written and read again; its markers must not look like secrets themselves."""
    for sample in bench.build_secrets(seed=SEED, count=SLICE):
        once = redact(sample.text)
        assert not has_secret(once), once
        assert redact(once) == once


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("my password is hunter2", "hunter2"),
        ("The user's Wi-Fi password is Sunflower_22.", "Sunflower_22"),
        ("her password is butterfly", "butterfly"),
        ("my password is correct horse battery staple", "correct horse battery staple"),
        ("swordfish is my password.", "swordfish"),
        ("it's hunter2, that's my password", "hunter2"),
        ("my password is h u n t e r 2", "h u n t e r 2"),
        ("I changed my password to Mochi77 yesterday", "Mochi77"),
        ("ich habe mein Passwort auf Mochi77 geändert", "Mochi77"),
        ("old password was Start123, new one is Ende456", "Start123|Ende456"),
        ("the passwords are Blue$ky9 and Red$un10", "Blue$ky9|Red$un10"),
        ("what was the wifi password? It's Mochi77", "Mochi77"),
        ("log in with bob / Welcome123", "Welcome123"),
        ("router login admin/admin123", "admin123"),
        ("mein Paßwort? Das Passwort fürs WLAN: Sommer88", "Sommer88"),
        ("le mot de passe de la box est Citron42", "Citron42"),
        ("mi contrase\u00f1a es Perro2021", "Perro2021"),
        ("mi contrasen\u0303a es Perro2021", "Perro2021"),
        ("la mia password è gatto77", "gatto77"),
        ("пароль: limon2024", "limon2024"),
        ("密码是ningmeng88。", "ningmeng88"),
        ("my PIN is 1234", "1234"),
        ("the passcode's 839201", "839201"),
        ("Der Code für die Haustür ist 1928", "1928"),
        ("le digicode est 45B12", "45B12"),
        ("My recovery codes: 1a2b3c4d, 5e6f7g8h", "1a2b3c4d|5e6f7g8h"),
        ("DB_PASSWORD=Blue$ky9", "Blue$ky9"),
        ('{"user": "bob", "pwd": "Winter#1"}', "Winter#1"),
        ("sshpass -p hunter22 ssh root@host", "hunter22"),
        ("https://shop.test/?password=abc123&page=2", "abc123"),
        ("postgres://app:s3cr3t@db:5432/app", "app:s3cr3t"),
        ("redis://:pw@cache:6379/0", ":pw"),
        ("x-api-key: 7f3a9c2e1b", "7f3a9c2e1b"),
        ("Authorization: Basic Ym9iOmh1bnQ=", "Ym9iOmh1bnQ="),
        ("my PIN is five one five zero", "five one five zero"),
        (f"my seed phrase is {'apple banana cherry ' * 4}ok", ("apple banana cherry " * 4).strip()),
        ("my card is 4111 1111 1111 1111, exp 12/27", "4111 1111 1111 1111"),
        ("4111 1111\n1111 1111", "4111 1111\n1111 1111"),
        ("Visa 41 11 11 11 11 11 11 11 04/27", "41 11 11 11 11 11 11 11"),
        ("Visa: 4222222222222", "4222222222222"),
        ("4\ufe0f\u20e3111 1111 1111 1111", "4\ufe0f\u20e3111 1111 1111 1111"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "٤١١١ ١١١١ ١١١١ ١١١١"),
        ("3782-822463-10005", "3782-822463-10005"),
        ("4111|1111|1111|1111", "4111|1111|1111|1111"),
        ("4111    1111    1111    1111", "4111    1111    1111    1111"),
        ("4111+1111+1111+1111", "4111+1111+1111+1111"),
        ("4111111111111111|12|27|123", "4111111111111111"),
        ("4111111111111111exp12/27", "4111111111111111"),
        ("R2: 4111 1111 1111 1111", "4111 1111 1111 1111"),
        ("card: +4111111111111111", "4111111111111111"),
        ("123456789 is my social security number", "123456789"),
        ("65 170839 J 003 ist meine Sozialversicherungsnummer", "65 170839 J 003"),
        ("passw0rd: hunter2", "hunter2"),
        ("my p@ssword is hunter2", "hunter2"),
        ("my api key: abcdefghijklmnop", "abcdefghijklmnop"),
        ("DE89|3704|0044|0532|0130|00", "DE89|3704|0044|0532|0130|00"),
        ("her social is 219-09-9999", "219-09-9999"),
        ("ssn 536221234", "536221234"),
        ("iban gb29 nwbk 6016 1331 9268 19 thanks", "gb29 nwbk 6016 1331 9268 19"),
        ("내 비밀번호는 Kiwi&Berlin26 입니다", "Kiwi&Berlin26"),
        ("パスワードがKiwi&Berlin26です", "Kiwi&Berlin26"),
        ("הסיסמה שלי היא berlin6327", "berlin6327"),
        ("كلمة المرور هي pelikan2016", "pelikan2016"),
    ],
)
def test_a_secret_is_found_from_its_first_character_to_its_last(text: str, hidden: str) -> None:
    """Phrases people write that no template of the bench has. Proves: UM-12."""
    assert _hidden(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password",
        "my password manager is Bitwarden",
        "password reset does not work",
        "the password is required",
        "The password for the demo account is documented in Confluence.",
        "password must contain 8 characters and 1 digit",
        "the password is property of the IT department",
        "the password is base64",
        "password error 0x80070056",
        "password: <your password here>",
        "password: {your password}",
        "Keeper24 is my password manager",
        "my password was in the RockYou2021 leak",
        "const password = process.env.PASSWORD",
        "def check_password(password: str) -> bool:",
        "OPENAI_API_KEY=<your key>",
        "my password is [password removed]",
        "das Passwort ist leider nicht bekannt",
        "le mot de passe est périmé",
        "la contraseña se envía por correo",
        "mi contraseña es repetida",
        "my code is 1200 lines",
        "the error code is 40413",
        "GPIO pin 17 and pin 2040",
        "zip code 94110",
        "postgres://${USER}:${PASS}@db/app",
        "http://localhost:8080/@vite/client",
        "what does -----BEGIN RSA PRIVATE KEY----- mean?",
        "GitHub tokens start with ghp_ or github_pat_",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "4111 1111 1111 1112",
        "4.111111111111111",
        "+49 151 23456789",
        "barcode 4006381000093",
        "call +4111 1111 1111 1111",
        "serial 7f4111111111111111",
        "41 11 11 11 11 11 11 11 04 27",
        "part 12-123-45-6789",
        "| 4111 | 1111 | 1111 | 1111 |",
        "serial 4111111111111111a7",
        "4111:1111:1111:1111::1",
        "my card's hotline is +49 151 23456789",
        "123456789 is not my SSN",
        "I forgot my passw0rd",
        "the API key is straightforward.",
        "000-12-3456 and 900-12-3456",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "the user prefers to be called Sam and has worked at Initech since 2019",
    ],
)
def test_talk_about_secrets_and_ordinary_numbers_pass(text: str) -> None:
    """Losing these as memories, or finding them blanked out in a summary, would be a fault people see."""
    assert _hidden(text) == ""


@pytest.mark.parametrize(
    ("draw", "kind"),
    [
        (values.card, SecretKind.CARD_NUMBER),
        (values.iban, SecretKind.IBAN),
        (values.ssn, SecretKind.SOCIAL_SECURITY_NUMBER),
        (values.pem, SecretKind.PRIVATE_KEY),
        (values.jwt, SecretKind.TOKEN),
        *((draws[0], SecretKind.API_KEY) for draws in values.VENDOR_KEYS.values()),
    ],
)
def test_a_secret_is_named_for_what_it_is_even_behind_the_word_password(
    draw: Callable[[Random], str], kind: SecretKind
) -> None:
    """The name stands in the text in place of the secret, and tells the person what was left out."""
    value = draw(Random(SEED))
    assert redact(f"my password is {value}\nok") == f"my password is [{kind} removed]\nok"
    assert [secret.kind for secret in find_secrets(f"look: {value}\n")] == [kind]


def test_the_second_half_of_a_pair_of_keys_is_found_without_its_name() -> None:
    """Cloud consoles show the two keys side by side, and people copy both. Proves: UM-12."""
    rng = Random(SEED)
    key_id, secret = values.VENDOR_KEYS["aws key id"][0](rng), values.aws_secret(rng)
    assert (
        redact(f"creds: {key_id} / {secret} for staging") == "creds: [API key removed] / [API key removed] for staging"
    )


@pytest.mark.parametrize("gap", [" ", "\n", "\u200b", " \n "])
def test_a_key_broken_by_a_line_or_a_space_is_found_whole(gap: str) -> None:
    """Chat windows and mail wrap long words. Proves: UM-12."""
    key = values.vendor_key("ghp_", values.ALNUM, 36)(Random(SEED))
    assert redact(f"use {key[:18]}{gap}{key[18:]} for it") == "use [API key removed] for it"


def test_a_private_key_that_was_cut_off_is_taken_out_to_the_end() -> None:
    """Messages have a limit, and half a key is still most of a key."""
    key = values.pem(Random(SEED))
    half = key[: len(key) // 2]
    assert redact(f"deploy with {half}") == "deploy with [private key removed]"


def test_spans_are_of_the_original_text_where_invisible_and_wide_characters_stood() -> None:
    """Offsets into a cleaned copy would cut the original in the wrong places."""
    text = "\u200b\u200bé my pass\u200bword is ｈｕｎ\u200bｔｅｒ２, ok?"
    (secret,) = find_secrets(text)
    assert text[secret.start : secret.end] == "ｈｕｎ\u200bｔｅｒ２"
    assert redact(text) == "\u200b\u200bé my pass\u200bword is [password removed], ok?"


texts = st.text() | st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)


@given(texts)
@settings(deadline=None, max_examples=200)
def test_any_text_whatever_gives_ordered_spans_within_it(text: str) -> None:
    """The gate stands before every write, so it may fail on none, not even on half a character."""
    secrets = find_secrets(text)
    edges = [edge for secret in secrets for edge in (secret.start, secret.end)]
    assert edges == sorted(edges)
    assert all(0 <= secret.start < secret.end <= len(text) for secret in secrets)
    assert has_secret(text) == bool(secrets)
    kept = "".join(text[a:b] for a, b in zip([0, *edges[1::2]], [*edges[::2], len(text)], strict=True))
    assert re.sub("|".join(rf"\[{kind} removed\]" for kind in SecretKind), "", redact(text)) == re.sub(
        "|".join(rf"\[{kind} removed\]" for kind in SecretKind), "", kept
    )
