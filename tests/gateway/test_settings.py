"""The environment: what is taken, what is refused, and that nothing secret is told when it is."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest

from gateway.config_errors import SettingsError
from gateway.secret_rules import find_fault
from gateway.settings import BLANK_IS_UNSET, Settings, load_settings
from tests.gateway.configuring import unset_all

RANDOM = "q7Zt2mXc9LwP4vRn8KbD"
PASSWORD = "hunter2-and-more"
NAMES = sorted(str(field.validation_alias) for field in Settings.model_fields.values())
SECRETS = ("ANTHROPIC_API_KEY", "PARLEY_OPERATOR_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours is set."""
    unset_all(monkeypatch)


def load(monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> Settings:
    """The settings of an environment."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def refuse(monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]) -> list[str]:
    """The lines that the environment is refused with."""
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, environ)
    return [problem.line for problem in caught.value.problems]


def test_nothing_set_gives_what_is_promised() -> None:
    """The outside contract of a gateway that is started with nothing set."""
    settings = load_settings()
    assert (settings.host, settings.port, settings.workers, settings.lease_s) == ("127.0.0.1", 8080, 1, 15.0)
    assert (settings.data_dir, settings.config) == (Path(".parley"), Path("parley.toml"))
    assert (settings.database_url, settings.anthropic_api_key, settings.operator_token) == (None, None, None)
    assert settings.is_loopback
    assert not settings.is_config_given


def test_what_is_set_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable of the outside contract reaches its field."""
    settings = load(
        monkeypatch,
        {
            "DATABASE_URL": "postgresql://app:x@pooler/db",
            "DATABASE_DIRECT_URL": "postgres://app:x@db/db",
            "PARLEY_DATA_DIR": "/srv/parley",
            "PARLEY_CONFIG": "other.toml",
            "ANTHROPIC_API_KEY": f"sk-ant-api03-{RANDOM}",
            "ANTHROPIC_BASE_URL": "http://localhost:9000/proxy",
            "SLACK_BOT_TOKEN": f"xoxb-{RANDOM}",
            "SLACK_SIGNING_SECRET": RANDOM,
            "SLACK_APP_TOKEN": f"xapp-{RANDOM}",
            "SLACK_API_URL": "http://localhost:9001/api/",
            "PARLEY_SECRET_KEY": f"{RANDOM},{RANDOM[::-1]}",
            "PARLEY_LEASE_S": "7.5",
            "PARLEY_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1",
            "PARLEY_LOG_FORMAT": "json",
            "PARLEY_OPERATOR_TOKEN": RANDOM,
            "PARLEY_HOST": "0.0.0.0",
            "PARLEY_PORT": "0",
            "PARLEY_WORKERS": "4",
            "PARLEY_BUS_URL": "redis://cache:6379/0",
        },
    )
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://app:x@pooler/db"
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("2001:db8::1/128"))
    assert (settings.lease_s, settings.log_format, settings.port, settings.workers) == (7.5, "json", 0, 4)
    assert settings.is_config_given
    assert not settings.is_loopback
    installing = {"slack_client_id", "slack_client_secret"}  # in place of the bot token
    assert settings.model_fields_set == set(Settings.model_fields) - installing


def test_the_command_line_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`parley serve --port` is said later and by somebody who is there."""
    monkeypatch.setenv("PARLEY_PORT", "1000")
    monkeypatch.setenv("PARLEY_HOST", "0.0.0.0")
    settings = load_settings(port=2000)
    assert (settings.port, settings.host) == (2000, "0.0.0.0")


def test_white_space_round_a_value_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets out of files often end with a line break."""
    settings = load(monkeypatch, {"PARLEY_OPERATOR_TOKEN": f"{RANDOM}\n", "PARLEY_PORT": " 81 "})
    assert settings.operator_token is not None
    assert settings.operator_token.get_secret_value() == RANDOM
    assert settings.port == 81


@pytest.mark.parametrize("name", sorted(BLANK_IS_UNSET))
def test_a_blank_value_is_unset_where_that_is_harmless(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Container files pass blanks on for what their owner left out."""
    assert load(monkeypatch, {name: " "}) == load_settings()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in BLANK_IS_UNSET])
def test_any_other_blank_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A blank DATABASE_URL must not quietly become an embedded database, nor a blank key the demo model."""
    assert any(line.startswith(f"environment: {name}: expected ") for line in refuse(monkeypatch, {name: ""}))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    "value", ["", "   ", "changeme", "xxx", "your-token", "<token>", "secret", "${SECRET}", "xoxb-your-token"]
)
def test_a_blank_or_placeholder_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Fail closed at start. Proves: OP-5."""
    lines = refuse(monkeypatch, {name: value})
    assert [line for line in lines if line.startswith(f"environment: {name}: expected a ")] == lines


@pytest.mark.parametrize("name", ["PARLEY_OPERATOR_TOKEN", "SLACK_SIGNING_SECRET", "ANTHROPIC_API_KEY"])
@pytest.mark.parametrize("value", ["short", "aaaaaaaaaaaaaaaaaaaaaaaa", "not ascii: üüüüüüüüüüüü"])
def test_a_weak_secret_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Fail closed at start: what guards a gateway must not be guessed. Proves: OP-5."""
    (line,) = refuse(monkeypatch, {name: value})
    assert line.startswith(f"environment: {name}: expected a ")
    assert value not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://u:p@127.0.0.1:notaport/x"),
        ("DATABASE_URL", "postgresql://u:p@one:5432,two:99999/x"),
        ("DATABASE_DIRECT_URL", "postgresql://[::1/x"),
        ("PARLEY_BUS_URL", "redis://127.0.0.1:port"),
        ("ANTHROPIC_BASE_URL", "http://localhost:port/v1"),
    ],
)
def test_an_address_whose_host_or_port_can_be_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Libraries answer it with a traceback in the middle of the start. Proves: OP-5."""
    (line,) = refuse(monkeypatch, {"DATABASE_URL": "postgresql://h/x", name: value})
    assert line == f"environment: {name}: expected host or host:port after the two slashes; found other text"


def test_the_direct_address_of_a_database_that_is_not_named_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway would start with an empty database of its own, and nobody would see why. Proves: OP-5."""
    (line,) = refuse(monkeypatch, {"DATABASE_DIRECT_URL": "postgresql://h/x"})
    assert "expected DATABASE_URL beside it" in line


@pytest.mark.parametrize(
    "value",
    [
        "postgresql://u:p%2Fw@[::1]:5432,db.example/x?sslmode=require",
        "postgresql:///x?host=%2Frun%2Fpostgresql",
        "postgres://u@/x",
    ],
)
def test_an_address_may_name_several_hosts_or_none(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """PostgreSQL's own forms are all taken."""
    assert load(monkeypatch, {"DATABASE_URL": value}).database_url is not None


@pytest.mark.parametrize("key", ["test", "sk-ant-test", "ollama", "sk-1234", "none"])
def test_a_server_of_ones_own_may_have_any_key(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Local servers do not look at the key; what they check is their own affair."""
    settings = load(monkeypatch, {"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9000"})
    assert settings.anthropic_api_key is not None
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_APP_TOKEN": "xapp-1"}
    assert load(monkeypatch, {**tokens, "SLACK_API_URL": "http://127.0.0.1:9001/api/"}).slack_bot_token is not None
    monkeypatch.delenv("SLACK_API_URL")
    (line,) = refuse(monkeypatch, {})
    assert line.startswith("environment: SLACK_BOT_TOKEN: expected a secret of at least 16 characters")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PARLEY_PORT", "http", "a whole number"),
        ("PARLEY_PORT", "65536", "at most 65535"),
        ("PARLEY_WORKERS", "0", "at least 1"),
        ("PARLEY_LEASE_S", "nan", "a finite number"),
        ("PARLEY_LOG_FORMAT", "yaml", "auto, json or console"),
        ("PARLEY_HOST", "a b", "a host name or an address"),
        ("PARLEY_TRUSTED_PROXIES", "*", "addresses or networks"),
        ("PARLEY_TRUSTED_PROXIES", "0.0.0.0/0", "the addresses of your own proxies"),
        ("PARLEY_BUS_URL", "localhost:6379", "an address such as redis://host:6379/0"),
        ("ANTHROPIC_BASE_URL", "api.example.com", "an address such as"),
        ("ANTHROPIC_BASE_URL", "https://user:pass@host", "an address such as"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    """One line names the variable and what was expected."""
    (line,) = refuse(monkeypatch, {name: value})
    assert line.startswith(f"environment: {name}: expected {expected}")


def test_half_of_slack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten token is a mistake, not a wish to have Slack off."""
    (line,) = refuse(monkeypatch, {"SLACK_BOT_TOKEN": f"xoxb-{RANDOM}"})
    assert line.startswith("environment: SLACK_BOT_TOKEN: expected SLACK_SIGNING_SECRET")
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    (line,) = refuse(monkeypatch, {"SLACK_APP_TOKEN": f"xapp-{RANDOM}"})
    assert line.startswith("environment: SLACK_BOT_TOKEN: expected a bot token")


def test_what_workspaces_install_by_themselves_needs_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each missing part would be found by the first workspace that tries. Proves: SL-29."""
    parts = {
        "SLACK_CLIENT_ID": "1111.2222",
        "SLACK_CLIENT_SECRET": RANDOM,
        "PARLEY_SECRET_KEY": RANDOM,
        "SLACK_SIGNING_SECRET": RANDOM,
    }
    for name in parts:
        monkeypatch.delenv(name, raising=False)
    for missing, expected in (
        ("SLACK_CLIENT_SECRET", "SLACK_CLIENT_ID: expected both"),
        ("PARLEY_SECRET_KEY", "PARLEY_SECRET_KEY: expected a secret"),
        ("SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID: expected SLACK_SIGNING_SECRET"),
    ):
        (line,) = refuse(monkeypatch, {name: value for name, value in parts.items() if name != missing})
        assert line.startswith(f"environment: {expected}")
        for name in parts:
            monkeypatch.delenv(name, raising=False)
    (line,) = refuse(monkeypatch, {**parts, "SLACK_BOT_TOKEN": f"xoxb-{RANDOM}"})
    assert line.startswith("environment: SLACK_BOT_TOKEN: expected none")
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert load(monkeypatch, parts).slack_client_id == "1111.2222"


def test_everything_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody wants to start a gateway five times to hear of five mistakes. Proves: OP-5."""
    lines = refuse(monkeypatch, {"PARLEY_PORT": "x", "PARLEY_WORKERS": "x", "DATABASE_URL": "x"})
    assert len(lines) == 3


def test_no_line_and_no_repr_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start-up errors end in logs and tickets."""
    lines = refuse(
        monkeypatch,
        {"DATABASE_URL": f"mysql://app:{PASSWORD}@db/x", "PARLEY_OPERATOR_TOKEN": "zQ8-short", "PARLEY_PORT": RANDOM},
    )
    assert not any(secret in line for line in lines for secret in (PASSWORD, "zQ8-short", RANDOM))
    for name in ("DATABASE_URL", "PARLEY_PORT"):
        monkeypatch.delenv(name)
    assert RANDOM not in repr(load(monkeypatch, {"PARLEY_OPERATOR_TOKEN": RANDOM}))


def test_no_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `.env` that lies about must not configure a gateway."""
    (tmp_path / ".env").write_text("PARLEY_PORT=99\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 8080


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.com", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(
    monkeypatch: pytest.MonkeyPatch, host: str, *, is_loopback: bool
) -> None:
    """The demo site stands on it."""
    assert load(monkeypatch, {"PARLEY_HOST": host}).is_loopback is is_loopback


@pytest.mark.parametrize("secret", ["my-very-long-horse-battery-staple-token", "0123456789abcdef", f"xoxb-{RANDOM}"])
def test_a_fair_secret_is_taken(secret: str) -> None:
    """The rule against placeholders must not refuse what a person drew or made up at length."""
    assert find_fault(secret) is None
