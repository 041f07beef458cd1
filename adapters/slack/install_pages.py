"""What somebody reads in the browser while they install the app. Pure: an ending ─► a page."""

import base64
import hashlib
import html
from dataclasses import dataclass

_STYLE = """
:root { color-scheme: light dark; --bg: #f4f6fa; --card: #fff; --fg: #1d2230; --dim: #5b6478; --line: #e0e4ed;
  --accent: #3454d1; --on-accent: #fff; --good: #2b8a4f; --bad: #b83c26; }
@media (prefers-color-scheme: dark) { :root { --bg: #10131a; --card: #191e29; --fg: #e6e9f1; --dim: #a3acbf;
  --line: #2a3040; --accent: #93a8ff; --on-accent: #10131a; --good: #57c785; --bad: #ff8f78; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--bg); color: var(--fg);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { box-sizing: border-box; width: min(30rem, calc(100vw - 2rem)); margin: 2rem 0; padding: 2rem;
  background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow-wrap: anywhere; }
.sign { width: 2.5rem; height: 2.5rem; border-radius: 50%; display: grid; place-items: center; font-size: 1.25rem;
  font-weight: 700; color: var(--card); background: var(--bad); }
.good { background: var(--good); }
h1 { margin: 1rem 0 .5rem; font-size: 1.35rem; line-height: 1.3; }
p { margin: 0 0 .75rem; color: var(--dim); }
code { padding: .1em .35em; border-radius: 5px; background: var(--bg); color: var(--fg); }
a { display: inline-block; margin-top: .75rem; padding: .55rem 1.1rem; border-radius: 8px; background: var(--accent);
  color: var(--on-accent); font-weight: 600; text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 3px solid var(--fg); outline-offset: 2px; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an installation ended: a title, paragraphs that are plain text but for `code`, and one way on."""

    status: int
    title: str
    paragraphs: tuple[str, ...]
    link: tuple[str, str] | None = None


def installed(bot_name: str, place: str, slack_url: str) -> Ending:
    """It worked. `place` is the name of the workspace or the organisation; `slack_url` opens the app there."""
    where = f"in {place}" if place else "installed"
    return Ending(
        status=200,
        title=f"{bot_name} is {where}",
        paragraphs=(
            f"In a conversation, write `/invite @{bot_name}`, then mention it: `@{bot_name} hello`.",
            "Or write to it directly: it stands under Apps. This page can be closed.",
        ),
        link=("Open Slack", slack_url),
    )


def declined(again: str) -> Ending:
    """The person said no on Slack's page, or Slack did for them."""
    return Ending(
        status=400,
        title="Nothing was installed",
        paragraphs=("The request was declined in Slack, so nothing has changed.",),
        link=("Try again", again),
    )


def stale(again: str) -> Ending:
    """Too late, another browser, or a page that was opened twice."""
    return Ending(
        status=400,
        title="This page is out of date",
        paragraphs=(
            "An installation is finished once, within ten minutes, in the browser that began it.",
            "If the app is in your workspace already, it stays there: nothing has changed.",
        ),
        link=("Begin again", again),
    )


def unconfirmed(again: str) -> Ending:
    """Slack did not give the tokens."""
    return Ending(
        status=400,
        title="Slack did not confirm it",
        paragraphs=(
            "Slack would not finish this installation, so nothing has changed. It mostly helps to begin again.",
        ),
        link=("Begin again", again),
    )


def not_served(place: str) -> Ending:
    """The owner named other workspaces."""
    whose = place or "that workspace"
    return Ending(
        status=403,
        title=f"Not for {whose}",
        paragraphs=(
            f"Whoever runs this gateway has not opened it for {whose}. Nothing was kept here.",
            "Ask them to add your workspace; until then you can remove the app again in Slack, under Manage apps.",
        ),
    )


def unavailable(again: str) -> Ending:
    """The database is away."""
    return Ending(
        status=503,
        title="Just now this does not work",
        paragraphs=("Something here is being restarted. Nothing has changed; please begin again in a minute.",),
        link=("Begin again", again),
    )


def render_page(ending: Ending) -> str:
    """The page, whole; it loads nothing."""
    sign = ("✓", "sign good") if ending.status == 200 else ("!", "sign")
    paragraphs = "".join(f"<p>{_render_words(words)}</p>" for words in ending.paragraphs)
    link = f'<a href="{html.escape(ending.link[1])}">{html.escape(ending.link[0])}</a>' if ending.link else ""
    title = html.escape(ending.title)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main>"
        f'<div class="{sign[1]}" aria-hidden="true">{sign[0]}</div><h1>{title}</h1>{paragraphs}{link}'
        "</main></body></html>"
    )


def _render_words(words: str) -> str:
    """Text with `code` between backticks."""
    parts = html.escape(words).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def build_headers() -> dict[str, str]:
    """What goes with every page: nothing is kept, loaded or framed."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    }
