"""`parley.toml`: what it makes, and that everything wrong with it is told by name, at once, and without secrets."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agent.ids import AgentId
from agent.pricing import find_price
from gateway.config import load_configuration
from gateway.config_errors import ConfigFileError
from gateway.mcp_servers import Address
from gateway.settings import load_settings
from tests.gateway.configuring import AGENT, SHARED, SITE, TOKEN, go_to_bare_place, load, refuse


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory and none of our variables."""
    go_to_bare_place(monkeypatch, tmp_path)


def write_module(name: str, text: str) -> None:
    """A Python module beside the file."""
    Path(f"{name}.py").write_text(text, encoding="utf-8")


class TestWithoutAFile:
    """Started with nothing set."""

    def test_the_built_in_agent_answers(self) -> None:
        """It keeps five history runs, has agentic user memories and both built-in tools."""
        configuration = load_configuration(load_settings(), {})
        config = configuration.agents.get(AgentId("anything"))
        assert configuration.source is None
        assert (config.agent.agent_id, config.history_runs, config.memory_mode) == ("assistant", 5, "agentic")
        assert set(config.agent.tools) == {"current_time", "calculate"}
        assert config.agent.instructions

    def test_there_is_the_demo_site_on_loopback_alone(self) -> None:
        """Anybody may be anybody there, so nobody else may reach it."""
        assert load_configuration(load_settings(), {}).sites["demo"].is_demo
        public = load_configuration(load_settings(host="0.0.0.0"), {})
        assert public.sites == {}
        assert any("no website" in line for line in public.notices)

    def test_a_file_that_was_named_has_to_be_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else a slip in its name would start the built-in agent on a production port."""
        monkeypatch.setenv("PARLEY_CONFIG", "gone.toml")
        with pytest.raises(ConfigFileError, match=r"gone\.toml: there is no such file"):
            load_configuration(load_settings(), {})


class TestAgents:
    """`[[agents]]`."""

    def test_an_agent_is_made_as_it_is_written(self) -> None:
        """Several agents, each with its model, instructions, tools and memory; the first is the default.

        Proves: AG-4, UM-2.
        """
        write_module("shop", "def find_order(number: int) -> str:\n    'Find an order.'\n    return 'sent'\n")
        configuration = load(
            """
            [[agents]]
            id = "support"
            model = "m-1"
            small_model = "m-2"
            instructions = "Help."
            tools = ["calculate", "shop:find_order"]
            history_runs = 0
            max_tokens = 9
            max_tool_calls = 1
            run_s = 5
            [agents.memory]
            mode = "agentic"
            capture_instructions = "sizes"
            [[agents]]
            id = "sales"
            instructions = "Sell."
            """
        )
        support, sales = configuration.agents.by_id.values()
        assert configuration.agents.default_id == "support"
        assert (support.agent.model, support.small_model, support.agent.instructions) == ("m-1", "m-2", "Help.")
        assert list(support.agent.tools) == ["calculate", "find_order"]
        assert (support.history_runs, support.agent.max_tokens, support.agent.max_tool_calls) == (0, 9, 1)
        assert (support.agent.run_s, support.memory_mode, support.capture_instructions) == (5.0, "agentic", "sizes")
        assert (sales.history_runs, sales.memory_mode, sales.agent.tools) == (5, "off", {})

    def test_instructions_may_stand_in_a_file_beside_the_configuration(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Long ones do; its path starts at the configuration's directory, not at the caller's."""
        Path("conf").mkdir()
        Path("conf/help.md").write_text("Be kind.\n")
        Path("conf/parley.toml").write_text('[[agents]]\nid = "a"\ninstructions_file = "help.md"\n')
        monkeypatch.setenv("PARLEY_CONFIG", "conf/parley.toml")
        configuration = load_configuration(load_settings(), {})
        assert configuration.agents.by_id[AgentId("a")].agent.instructions == "Be kind."

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("", "agents[0]: expected either instructions or instructions_file"),
            ('instructions = "x"\ninstructions_file = "y"', "agents[0]: expected either instructions or"),
            ('instructions = "  "', "agents[0].instructions: expected text; found a blank value"),
            ('instructions_file = "gone"', "agents[0].instructions_file: the file that it names cannot be read"),
            (
                'instructions = "x"\nstorage = false\nhistory_runs = 3',
                "agents[0]: expected no history_runs beside storage = false, which keeps nothing for it",
            ),
            ('instructions = "x"\nhistory_runs = 101', "agents[0].history_runs: expected at most 100; found 101"),
            ('instructions = "x"\nhistory_runs = -1', "agents[0].history_runs: expected at least 0; found -1"),
            ('instructions = "x"\nhistory_runs = "5"', "agents[0].history_runs: expected a whole number; found text"),
            ('instructions = "x"\nhistory_runs = true', "agents[0].history_runs: expected a whole number; found true"),
            ('instructions = "x"\nrun_s = inf', "agents[0].run_s: expected"),
            ('instructions = "x"\nmodel = ""', "agents[0].model: expected the name of a model"),
            ('instructions = "x"\nmemory = "agentic"', "agents[0].memory: expected a table; found other text"),
            ('instructions = "x"\nmemory.mode = "auto"', "agents[0].memory.mode: expected off, manual or agentic"),
            ('instructions = "x"\nhistroy_runs = 5', "agents[0].histroy_runs: unknown key; did you mean history_runs?"),
            ('instructions = "x"\nmemory.zzz = 5', "agents[0].memory.zzz: unknown key; expected one of mode, capture"),
            ('instructions = "x"\ntools = ["clock"]', "agents[0].tools[0]: there is no built-in tool clock"),
            ('instructions = "x"\ntools = ["a b"]', "agents[0].tools[0]: expected the name of a built-in tool"),
            ('instructions = "x"\ntools = ["calculate", "calculate"]', "agents[0].tools[1]: expected each tool once"),
            (
                'instructions = "x"\nneeds_approval = ["calc"]',
                "agents[0].needs_approval[0]: expected a tool of this agent",
            ),
            ('instructions = "x"\napproval_s = 0.5', "agents[0].approval_s: expected"),
            ('instructions = "x"\ncontext.strategy = "all"', "agents[0].context.strategy: expected disabled, summ"),
            (
                f'instructions = "{"x" * 9_000}"\ncontext.cap_tokens = 5000',
                "agents[0].context.cap_tokens: expected more",
            ),
            ('instructions = "x"\ncontext.window_tokens = 8000', "agents[0].context.window_tokens: expected more than"),
            ('instructions = "x"\ncontext.result_tokens = 90000', "agents[0].context.result_tokens: expected less"),
        ],
    )
    def test_what_is_wrong_with_an_agent_is_told_by_name(self, line: str, expected: str) -> None:
        """The key path, and what was expected."""
        (told,) = refuse(f'[[agents]]\nid = "a"\n{line}\n')
        assert told.startswith(expected)

    def test_two_agents_of_one_id_are_refused(self) -> None:
        """Sessions are stored under the id."""
        assert refuse(AGENT + AGENT) == ["agents[1].id: expected an id of its own; a stands there twice"]


class TestPythonOfTheOwner:
    """Tools and hooks."""

    @pytest.mark.parametrize(
        ("module", "name", "expected"),
        [
            ("", "gone_mod:x", "there is no Python module gone_mod"),
            ("", "own_tools_1:x", "the module own_tools_1 has no x"),
            ("def f(x): 'Doc.'", "own_tools_2:f", "own_tools_2:f is no tool: the tool f needs a type for"),
            ("def f(x: int): pass", "own_tools_3:f", "own_tools_3:f is no tool: the tool f needs a docstring"),
            ("f = 5", "own_tools_4:f", "expected own_tools_4:f to be a function or a Tool"),
            ("1/0", "own_tools_5:f", "importing own_tools_5 failed: ZeroDivisionError (in own_tools_5.py, line 1)"),
            ("f = lambda: 1\nf.__doc__ = 'Doc.'", "own_tools_6:f", "expected a tool whose name has"),
        ],
    )
    def test_a_tool_that_cannot_be_used_stops_the_start(self, module: str, name: str, expected: str) -> None:
        """Rather than an agent that is told of it and finds it missing in mid-answer."""
        if not name.startswith("gone"):
            write_module(name.partition(":")[0], module)
        (told,) = refuse(f'{AGENT}tools = ["{name}"]\n')
        assert told.startswith(f"agents[0].tools[0]: {expected}")

    def test_tools_are_marked_by_name_also_those_that_a_server_offers_later(self) -> None:
        """A server may be away at the start; its tool must not run unasked once it is there. Proves: AG-7."""
        marked = 'tools = ["calculate", "current_time"]\nneeds_approval = ["calculate", "orders__refund"]\n'
        found = load(f'{AGENT}{marked}[[mcp]]\nname = "orders"\ncommand = "orders-tools"\n')
        assert found.servers[0].agents_approve == {"refund"}
        config = found.agents.default
        assert {name for name, tool in config.agent.tools.items() if tool.needs_approval} == {"calculate"}
        later = replace(config.agent.tools["current_time"], name="orders__refund")
        assert config.with_tool(later).agent.tools["orders__refund"].needs_approval
        assert not config.with_tool(replace(later, name="orders__find")).agent.tools["orders__find"].needs_approval

    @pytest.mark.parametrize(
        ("marked", "server", "told"),
        [
            ('needs_approval = ["calculate", "nosuch__find"]', "", "agents[0].needs_approval[1]: expected a tool of"),
            ('needs_approval = ["orders__refund"]', 'tools = ["find"]', "agents[0].needs_approval[0]: expected a tool"),
            ('needs_approval = ["orders__find"]', "agents = []", "agents[0].needs_approval[0]: expected a tool"),
            ("", 'tools = ["find"]\nneeds_approval = ["find", "fnid"]', "mcp[0].needs_approval[1]: expected one of"),
            ("", 'tools = ["find"]\nrepeatable = ["fnid"]', "mcp[0].repeatable[0]: expected one of the tools"),
        ],
    )
    def test_a_misspelt_tool_of_a_server_is_refused(self, marked: str, server: str, told: str) -> None:
        """It would run without the approval that its owner believes in. Proves: AG-7."""
        text = f'{AGENT}tools = ["calculate"]\n{marked}\n[[mcp]]\nname = "orders"\ncommand = "orders-tools"\n{server}\n'
        (line,) = refuse(text)
        assert line.startswith(told)

    @pytest.mark.parametrize("token", ["", "  ", "changeme"])
    def test_a_server_whose_token_is_blank_is_refused(self, token: str) -> None:
        """It would be called without, and refuse in the middle of an answer."""
        text = '[[mcp]]\nname = "far"\nurl = "https://tools.example.com/mcp"\ntoken_env = "FAR_TOKEN"\n'
        (line,) = refuse(text, {"FAR_TOKEN": token})
        assert line.startswith("mcp[0].token_env: expected the variable to hold a token; found a ")
        (gone,) = refuse(text)
        assert "FAR_TOKEN is not set" in gone
        [server] = load(text, {"FAR_TOKEN": "t-0123456789"}).servers
        assert isinstance(server.place, Address)
        assert server.place.token == "t-0123456789"

    @pytest.mark.parametrize("url", ["https://[x/", "https://:99999/", "https://tools.example.com:port/mcp"])
    def test_a_server_s_address_whose_host_or_port_can_be_none_is_refused(self, url: str) -> None:
        """It would be tried again for ever. Proves: OP-5."""
        (line,) = refuse(f'[[mcp]]\nname = "far"\nurl = "{url}"\n')
        assert line.startswith("mcp[0].url: expected host or host:port")

    def test_hooks_are_found_in_their_module(self) -> None:
        """An owner's Python joins in without a line of ours."""
        write_module("own_hooks_1", "def on_boot(): pass\nasync def on_task(task): pass\n")
        hooks = load('[hooks]\nmodule = "own_hooks_1"\n').hooks
        assert hooks.on_boot is not None
        assert hooks.on_task is not None
        assert hooks.on_run_finished is None

    def test_a_module_without_hooks_is_refused(self) -> None:
        """A misspelt hook would else never be called."""
        write_module("own_hooks_2", "def on_bot(): pass\n")
        assert refuse('[hooks]\nmodule = "own_hooks_2"\n') == [
            "hooks.module: the module own_hooks_2 has none of on_boot, on_task, on_run_finished, embed_texts"
        ]


class TestTheRest:
    """Limits, prices, and what is no configuration at all."""

    def test_limits_and_prices_are_taken(self) -> None:
        """A price of one's own goes before the list's; what is left out of it is as usual."""
        configuration = load(
            """
            [widget]
            message_count = 3
            [runs]
            capacity = 7
            retry_s = [1]
            [demo]
            page = false
            [prices."claude-sonnet"]
            input = 2.5
            output = "4.10"
            cache_read = 0
            """
        )
        assert configuration.widget_limits.message_count == 3
        assert (configuration.limits.capacity, configuration.limits.retry_s) == (7, (1.0,))
        assert not configuration.has_demo_page
        price = find_price(configuration.prices, "claude-sonnet-9")
        assert (price.input, price.output, price.cache_read) == (Decimal("2.5"), Decimal("4.10"), Decimal(0))
        assert (price.cache_write_5m, price.cache_write_1h) == (Decimal("3.125"), Decimal(5))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a = ", "expected TOML; invalid value"),
            ("[agents]\nid = 'x'", "agents: expected a list in brackets; found a table"),
            ("[[site]]\nkey = 'x'", "site: unknown key; did you mean sites?"),
            ('["a\\nb"]', '"a b": unknown key; expected one of agents, sites'),
            ("[prices.x]\ninput = -1\noutput = 1", "prices.x.input: expected at least 0; found -1"),
            ("[prices.x]\ninput = 'dear'\noutput = 1", "prices.x.input: expected a number of US dollars"),
            ("[prices.x]\ninput = true\noutput = 1", "prices.x.input: expected a number; found true"),
            ("[prices.x]\ninput = 1", "prices.x.output: expected a value"),
            ("[storage]\non = false", "storage: unknown key"),
        ],
    )
    def test_what_is_wrong_with_the_file_is_told_by_name(self, text: str, expected: str) -> None:
        """In one line, whatever stands in the file."""
        (told,) = refuse(text)
        assert told.startswith(expected)

    def test_a_file_that_is_not_utf_8_is_refused(self) -> None:
        """With the line where it begins not to be."""
        Path("parley.toml").write_bytes(b"# fine\n# \xff\n")
        with pytest.raises(ConfigFileError, match=r"parley\.toml: expected UTF-8; found other bytes \(at line 2\)"):
            load_configuration(load_settings(), {})

    def test_everything_that_is_wrong_is_told_at_once(self) -> None:
        """Across agents, sites and tokens."""
        told = refuse(
            f'{AGENT}tools = ["clock"]\n[[sites]]\nkey = "shop"\norigins = ["*"]\nagent = "b"\n'
            '[[api.tokens]]\nname = "operator"\nsecret_env = "GONE_TOKEN"\n[hooks]\nmodule = "gone_mod"\n'
        )
        keys = [line.partition(": ")[0] for line in told]
        assert keys == [
            "agents[0].tools[0]",
            "sites[0].agent",
            "sites[0].origins",
            "api.tokens[0].name",
            "api.tokens[0].secret_env",
            "hooks.module",
        ]

    def test_no_line_and_no_repr_tells_a_secret(self) -> None:
        """Neither one that is refused nor one that is taken."""
        key = f'[[sites.keys]]\nkid = "k"\nalgorithm = "HS256"\nsecret = "{SHARED}"\n'
        assert SHARED not in repr(load(SITE + key))
        lines = refuse(SITE + key.replace("HS256", "EdDSA") + f"[{SHARED[:9]}]\nx = '{TOKEN}'\n")
        assert not any(secret in line for line in lines for secret in (SHARED, TOKEN))
