"""The command `parley`. What a command needs is imported when it runs, so that `parley --help` answers at once.

Exit codes: 0 done, 1 it failed, 2 the command line or the configuration is wrong, 130 interrupted. What can be expected
to go wrong is one line on standard error each, never a traceback.
"""

import asyncio
import os
import sys
from pathlib import Path

import click

from agent.errors import StoreUnavailableError
from gateway.cli_agent_memory import agent_memory
from gateway.cli_budgets import budgets
from gateway.cli_dead_letters import dead_letters
from gateway.cli_dev import dev
from gateway.cli_handoffs import handoffs
from gateway.cli_memories import memories
from gateway.cli_posts import posts
from gateway.cli_routes import routes
from gateway.cli_settings import URL
from gateway.cli_slack import slack
from gateway.command_errors import CommandError
from gateway.config_errors import ConfigurationError
from memory.embedded.errors import EmbeddedPostgresError
from memory.errors import StoreSetupError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def main() -> None:
    """The entry point."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; the result is its exit code."""
    try:
        code = parley.main(args=arguments, prog_name="parley", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return FAILED
    except ConfigurationError as error:
        return _fail([problem.line for problem in error.problems], MISUSED)
    except StoreUnavailableError as error:
        return _fail([f"the database is not reachable: {error}"], FAILED)
    except (EmbeddedPostgresError, StoreSetupError, CommandError) as error:
        return _fail(str(error).splitlines(), FAILED)
    return code if isinstance(code, int) else 0


def _fail(lines: list[str], code: int) -> int:
    for line in lines:
        print(f"parley: {line}", file=sys.stderr)
    return code


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="parley-gateway", message="%(version)s")
def parley() -> None:
    """An AI agent with memory for Slack threads, website visitors and API callers."""


@parley.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [PARLEY_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.  [PARLEY_PORT, else 8080]")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes.  [PARLEY_WORKERS, else 1]")
def serve(host: str | None, port: int | None, workers: int | None) -> int:
    """Start the gateway, and say where it is to be found."""
    from gateway.config import load_configuration
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    settings = load_settings(host=host, port=port, workers=workers)
    configure_logs(settings.log_format)
    configuration = load_configuration(settings)
    from gateway.serve import serve as serve_gateway

    return serve_gateway(settings, configuration)


@parley.command()
def migrate() -> None:
    """Bring the database to this version; a gateway that starts does it too."""
    from gateway.logs import configure_logs
    from gateway.settings import load_settings
    from gateway.store import open_store
    from memory.database import store_errors
    from memory.migrate import migrate as apply_migrations

    settings = load_settings()
    configure_logs(settings.log_format)
    with open_store(settings) as store, store_errors():
        applied = asyncio.run(apply_migrations(store.address.direct_dsn))
    click.echo("\n".join(f"applied {name}" for name in applied) or f"{store.name}: nothing to do")


@parley.command()
@click.option("--online", is_flag=True, help="Also ask the model's server and Slack whether they take the keys.")
@click.option("--quiet", is_flag=True, help="Only what is wrong.")
def doctor(*, online: bool, quiet: bool) -> int:
    """Say what is wrong with the configuration, in one line each."""
    from gateway.doctor import Level, examine

    findings = asyncio.run(examine(may_call_model=online))
    for finding in findings:
        if not quiet or finding.level is not Level.OK:
            click.echo(finding.line)
    return FAILED if any(finding.level is Level.ERROR for finding in findings) else 0


@parley.command()
@URL
@click.option("--site", default="demo", show_default=True, help="The key of the website to come from.")
@click.option("--thread", help="A thread that others may be in.  [one of your own]")
@click.option("--name", help="What the others see.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with a token signed by the site.")
@click.option("--origin", help="The page to pretend to be on, for a site that takes browsers only.")
def chat(
    *, url: str, site: str, thread: str | None, name: str | None, token_file: Path | None, origin: str | None
) -> int:
    """Talk to a running gateway. /stop stops an answer, /history shows what was said, /quit leaves."""
    from gateway.chat import ChatOptions, run_chat

    try:
        token = token_file.read_text(encoding="utf-8").strip() if token_file else None
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"{token_file}: the file cannot be read") from None
    options = ChatOptions(url=url, site=site, thread=thread, name=name, token=token, origin=origin)
    return asyncio.run(run_chat(options))


@parley.group()
def db() -> None:
    """Write the database out, and read it in."""


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
def dump(*, file: Path, force: bool) -> None:
    """Write the whole database to FILE, in pg_dump's custom format. A running gateway goes on."""
    from gateway.backup import BackupError, dump_database
    from gateway.settings import load_settings

    try:
        size_bytes = dump_database(load_settings(), file, may_replace=force)
    except BackupError as error:
        raise CommandError(str(error)) from error
    click.echo(f"{file}: {size_bytes:,} bytes")


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(*, file: Path) -> None:
    """Read FILE, which `parley db dump` wrote, into a database that is still empty."""
    from gateway.backup import BackupError, restore_database
    from gateway.settings import load_settings

    try:
        restore_database(load_settings(), file)
    except BackupError as error:
        raise CommandError(str(error)) from error
    click.echo(f"{file}: read in; `parley serve` can start")


parley.add_command(budgets)
parley.add_command(agent_memory)
parley.add_command(dead_letters)
parley.add_command(dev)
parley.add_command(handoffs)
parley.add_command(posts)
parley.add_command(routes)
parley.add_command(slack)
parley.add_command(memories)


if __name__ == "__main__":
    main()
