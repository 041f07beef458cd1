"""What operators watch. Names follow Prometheus: base units, `_total` for counters."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agent.records import Usage

REGISTRY = CollectorRegistry()

accepted = Counter("parley_messages_accepted", "Messages committed, by channel.", ["channel"], registry=REGISTRY)
runs = Counter("parley_runs", "Runs that ended, by state.", ["state"], registry=REGISTRY)
run_s = Histogram(
    "parley_run_seconds",
    "From the start of a run to its commit.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600),
    registry=REGISTRY,
)
tokens = Counter("parley_tokens", "Tokens billed, by kind.", ["kind"], registry=REGISTRY)
cost_usd = Counter("parley_cost_usd", "Price of all model calls in US dollars.", registry=REGISTRY)
model_faults = Counter("parley_model_faults", "Model calls that failed, by kind.", ["kind"], registry=REGISTRY)
dead_letters = Counter("parley_dead_letters", "Tasks that always failed.", registry=REGISTRY)
posts = Counter(
    "parley_posts", "Answers posted, by channel and end: sent, unknown, failed.", ["channel", "end"], registry=REGISTRY
)
recovered = Counter("parley_sessions_recovered", "Sessions taken over from dead processes.", registry=REGISTRY)
active = Gauge("parley_active_sessions", "Sessions that run in this process now.", registry=REGISTRY)
extractions = Counter(
    "parley_extractions",
    "Readings for facts: read, nonsense, given_up.",
    ["result"],
    registry=REGISTRY,
)
compactions = Counter(
    "parley_compactions", "Summaries of older runs that were due, by outcome.", ["outcome"], registry=REGISTRY
)
compacted_tokens = Counter("parley_compacted_tokens", "Tokens of prompts that summaries took out.", registry=REGISTRY)
counted = Counter("parley_token_counts", "Requests whose exact size was asked for.", registry=REGISTRY)
cache_read_share = Gauge(
    "parley_cache_read_share",
    "Of all prompt tokens billed to this process, the share read from cache.",
    registry=REGISTRY,
)
facts = Counter("parley_facts", "Facts stored, changed or retired by extraction.", registry=REGISTRY)

spent_usd = Counter(
    "parley_spent_usd", "Price of all model calls as budgets count it, cut ones by estimate.", registry=REGISTRY
)
budget_refusals = Counter(
    "parley_budget_refusals",
    "Calls that a budget forbade, by account and reason: spent, or held by calls that go on.",
    ["account", "reason"],
    registry=REGISTRY,
)
expired = Counter("parley_data_expired", "Rows deleted as past their retention, by kind.", ["kind"], registry=REGISTRY)
approvals = Counter(
    "parley_approvals",
    "Calls of tools that need approval: asked, approved, refused, expired, stopped, and foreign clicks.",
    ["what"],
    registry=REGISTRY,
)
feedback = Counter("parley_feedback", "Opinions on answers, by value.", ["value"], registry=REGISTRY)
titles = Counter("parley_titles", "Titles of sessions: made, nonsense, failed.", ["result"], registry=REGISTRY)
mcp_up = Gauge("parley_mcp_up", "Whether a server of tools is connected.", ["server"], registry=REGISTRY)
handoffs = Counter(
    "parley_handoffs",
    "Changes of who answers a conversation, by who does now: agent, waiting, human.",
    ["mode"],
    registry=REGISTRY,
)
erasures = Counter("parley_erasures", "People who were erased.", registry=REGISTRY)
slack_tokens_refused = Gauge(
    "parley_slack_tokens_refused", "Slack installations whose token Slack refuses.", registry=REGISTRY
)
links = Counter("parley_accounts_linked", "Accounts that became one person's, by proof.", ["proof"], registry=REGISTRY)


class _Prompts:
    """The prompt tokens of this process: all, and those read from cache."""

    total = 0
    read = 0


def count_cached(usage: Usage) -> None:
    """Take a run's bill into the share that is read from cache."""
    _Prompts.read += usage.cache_read_tokens
    _Prompts.total += usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    if _Prompts.total:
        cache_read_share.set(_Prompts.read / _Prompts.total)


def render_metrics() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
