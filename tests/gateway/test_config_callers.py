"""Who may come in, as `parley.toml` says it: sites with their keys, and the callers of the API."""

from pathlib import Path

import pytest

from adapters.api.tokens import Scope
from gateway.config import add_operator_token, load_configuration
from gateway.config_errors import ConfigurationError
from gateway.settings import load_settings
from tests.gateway.configuring import AGENT, SHARED, SITE, TOKEN, go_to_bare_place, load, refuse

PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----"""


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


class TestSites:
    """`[[sites]]`."""

    def test_a_site_is_made_as_it_is_written(self) -> None:
        """Its agent, origins, look and both kinds of keys; and the demo site is gone."""
        Path("secret.txt").write_text(f"{SHARED}\n")
        text = f"""{AGENT}
            [[sites]]
            key = "shop"
            agent = "a"
            origins = ["https://x.example", "http://localhost:3000"]
            greeting = "Hello"
            starters = ["One", {{ label = "Two", value = "Second" }}]
            [[sites.keys]]
            kid = "k1"
            algorithm = "HS256"
            secret_file = "secret.txt"
            [[sites.keys]]
            kid = "k2"
            algorithm = "EdDSA"
            public_key = '''{PUBLIC_KEY}'''
        """
        (site,) = load(text).sites.values()
        assert (site.key, site.agent_id, site.is_demo, site.look.greeting) == ("shop", "a", False, "Hello")
        assert site.origins == {"https://x.example", "http://localhost:3000"}
        assert [(one.label, one.value) for one in site.look.starters] == [("One", "One"), ("Two", "Second")]
        assert [(key.kid, key.algorithm) for key in site.signing_keys] == [("k1", "HS256"), ("k2", "EdDSA")]
        assert site.signing_keys[0].material == SHARED

    def test_a_starter_that_is_longer_than_a_message_may_be_is_refused(self) -> None:
        """Its button would never work. Proves: OP-5."""
        text = f'{AGENT}[widget]\ntext_characters = 5\n[[sites]]\nkey = "shop"\norigins = ["https://x.example"]\n'
        assert refuse(f'{text}starters = ["Hello", "Hello!"]\n') == [
            "sites[0].starters[1]: expected at most 5 characters, as in widget.text_characters"
        ]

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('origins = ["*"]', "sites[0].origins: expected exact origins"),
            ('origins = ["https://*.x.example"]', "sites[0].origins: expected exact origins"),
            ('origins = ["https://x.example/"]', "sites[0].origins: expected exact origins"),
            ("", "sites[0].origins: expected at least one origin"),
            ('origins = ["https://x.example"]\nagent = "b"', "sites[0].agent: there is no agent b; expected one of a"),
            ('origins = ["https://x.example"]\ncolor = "red"', "sites[0].color: expected a colour such as #0a66c2"),
        ],
    )
    def test_what_is_wrong_with_a_site_is_told_by_name(self, line: str, expected: str) -> None:
        """A wildcard origin above all: fail closed at start."""
        (told,) = refuse(f'{AGENT}[[sites]]\nkey = "shop"\n{line}\n')
        assert told.startswith(expected)

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('algorithm = "HS256"', ": expected one of secret_env, secret_file or secret"),
            ('algorithm = "EdDSA"', ": expected one of public_key or public_key_file"),
            (f'algorithm = "EdDSA"\nsecret = "{SHARED}"', ": expected one of public_key or public_key_file"),
            ('algorithm = "none"', ".algorithm: expected HS256 or EdDSA; found none"),
            ('algorithm = "HS256"\nsecret = "changeme"', ".secret: expected a random secret of at least 32 bytes"),
            ('algorithm = "HS256"\nsecret = ""', ".secret: expected a random secret of at least 32 bytes"),
            (f'algorithm = "HS256"\nsecret = "{SHARED[:31]}"', ".secret: expected at least 32 bytes"),
            ('algorithm = "HS256"\nsecret_env = "SHOP_SECRET"', ".secret_env: the environment variable SHOP_SECRET is"),
            ('algorithm = "EdDSA"\npublic_key = "x"', ".public_key: expected an Ed25519 public key in PEM"),
        ],
    )
    def test_what_is_wrong_with_a_signing_key_is_told_by_name(self, line: str, expected: str) -> None:
        """Whoever has the key is anybody on that site."""
        (told,) = refuse(f'{SITE}[[sites.keys]]\nkid = "k"\n{line}\n')
        assert told.startswith(f"sites[0].keys[0]{expected}")

    def test_keys_share_no_kid_and_sites_no_key(self) -> None:
        """Each has to be found by its name."""
        key = f'[[sites.keys]]\nkid = "k"\nalgorithm = "HS256"\nsecret = "{SHARED}"\n'
        assert refuse(SITE + key + key + SITE) == [
            "sites[0].keys: expected at most 2 keys, each with its own kid",
            "sites[1].key: expected a key of its own; shop stands there twice",
        ]
        assert refuse(SITE + key + key + key) == ["sites[0].keys: expected at most 2; found 3"]

    def test_a_secret_in_the_place_of_a_variables_name_is_not_told(self) -> None:
        """Where a name was expected, people paste the secret itself."""
        secret = "deadbeefdeadbeefdeadbeefdeadbeef"
        key = f'[[sites.keys]]\nkid = "k"\nalgorithm = "HS256"\nsecret_env = "{secret}"\n'
        assert refuse(SITE + key) == ["sites[0].keys[0].secret_env: the environment variable that it names is not set"]


class TestApiTokens:
    """`[[api.tokens]]` and the operator's."""

    def test_a_token_is_read_from_its_variable(self) -> None:
        """The file itself holds no secret."""
        (token,) = load('[[api.tokens]]\nname = "ci"\nsecret_env = "CI_TOKEN"\n', {"CI_TOKEN": TOKEN}).api_tokens
        assert (token.name, token.secret, token.scopes) == ("ci", TOKEN, frozenset({Scope.TASKS}))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (
                'secret_env = "CI_TOKEN"',
                "api.tokens[0].secret_env: expected a secret of at least 16 characters; found 5",
            ),
            ("", "api.tokens[0]: expected one of secret_env or secret_file"),
            (f'secret = "{TOKEN}"', "api.tokens[0].secret: unknown key; did you mean secret_env?"),
            ('secret_env = "CI_TOKEN"\nscopes = []', "api.tokens[0].scopes: expected at least 1; found 0"),
            (
                'secret_env = "CI_TOKEN"\nscopes = ["root"]',
                "api.tokens[0].scopes[0]: expected tasks, memories or operator",
            ),
        ],
    )
    def test_what_is_wrong_with_a_token_is_told_by_name(self, text: str, expected: str) -> None:
        """A short secret would be guessed; one in the file would be committed."""
        (told,) = refuse(f'[[api.tokens]]\nname = "ci"\n{text}\n', {"CI_TOKEN": "short"})
        assert told.startswith(expected)

    def test_tokens_share_neither_name_nor_secret(self) -> None:
        """A caller is known by either."""
        text = '[[api.tokens]]\nname = "ci"\nsecret_env = "CI_TOKEN"\n' * 2
        assert refuse(text, {"CI_TOKEN": TOKEN}) == [
            "api.tokens[1].name: expected a name of its own; ci is taken",
            "api.tokens[1].secret_env: expected a secret of its own; another token has the same",
        ]

    def test_the_operators_token_comes_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """`PARLEY_OPERATOR_TOKEN` may do everything, and no other is drawn beside it."""
        monkeypatch.setenv("PARLEY_OPERATOR_TOKEN", TOKEN)
        settings = load_settings()
        configuration = load_configuration(settings, {})
        assert [(token.secret, token.scopes) for token in configuration.api_tokens] == [
            (TOKEN, frozenset({Scope.OPERATOR}))
        ]
        assert add_operator_token(configuration, settings) is configuration
        assert not list(Path().iterdir())

    def test_with_an_embedded_database_it_is_drawn_once(self) -> None:
        """Readable for its owner alone, the same at every start, and the person is told where it is."""
        settings = load_settings()
        settings.data_dir.mkdir()
        bare = load_configuration(settings, {})
        first, second = add_operator_token(bare, settings), add_operator_token(bare, settings)
        path = settings.data_dir / "operator-token"
        assert first.api_tokens == second.api_tokens
        assert first.api_tokens[0].secret == path.read_text().strip()
        assert path.stat().st_mode & 0o777 == 0o600
        assert str(path) in first.notices[-1]
        assert first.api_tokens[0].secret not in "".join(first.notices)

    @pytest.mark.parametrize(("text", "mode"), [("changeme", 0o600), (TOKEN, 0o644), ("", 0o600)])
    def test_a_drawn_token_that_is_not_safe_is_refused(self, text: str, mode: int) -> None:
        """Somebody put it there or opened it: fail closed."""
        settings = load_settings()
        settings.data_dir.mkdir()
        path = settings.data_dir / "operator-token"
        path.write_text(text)
        path.chmod(mode)
        with pytest.raises(ConfigurationError, match=r"operator-token: expected"):
            add_operator_token(load_configuration(settings, {}), settings)
        assert path.read_text() == text

    def test_a_database_of_ones_own_has_no_drawn_token(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Several machines may share it, and would each draw another."""
        monkeypatch.setenv("DATABASE_URL", "postgresql://db/x")
        settings = load_settings()
        assert add_operator_token(load_configuration(settings, {}), settings).api_tokens == ()
