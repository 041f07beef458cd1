"""Tools: Python functions whose arguments are typed, and validated before they are called.

The model never says who asks: a tool that needs to know takes a `context: ToolContext` as its first parameter.
"""

import asyncio
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent.asks import AWAITED
from agent.errors import ApprovalNeededError, ToolError
from agent.ports import ToolSpec
from agent.records import JsonObject, ToolCall
from agent.tasks import Task
from agent.text import storable, storable_object
from agent.threads import call_in_thread

DEFAULT_TIMEOUT_S = 30.0
TIDY_S = 1.0
"""How long a call that was cancelled is waited for."""
RESULT_LIMIT = 4_000_000
"""Characters of a result that are taken; what is longer is refused."""
_BINARY_SAMPLE, _BINARY_SHARE = 4_000, 0.1
_ERROR_LIMIT = 300
_NAMEABLE = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """On whose behalf a tool runs; what they said themselves in all that the run sees, and their name; whether they
    approved this very call."""

    task: Task
    said: str = ""
    is_approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the model may call. `is_repeatable`: calling it again after a crash does no harm.

    It has to be said: of a function that nobody vouched for the model is told that the outcome is unknown.
    `arguments` is what checks them, or a JSON schema of type object: then the function gets one JSON object, unchecked.
    `channels`: where it may be used (none: everywhere). `needs_approval`: it runs only
    once the person who asked says so. `may_ask`: it finds out by itself whether they have to, and raises
    `ApprovalNeededError` before it has done anything.
    """

    name: str
    description: str
    title: str
    arguments: type[BaseModel] | JsonObject
    function: Callable[..., object]
    takes_context: bool
    timeout_s: float = DEFAULT_TIMEOUT_S
    is_repeatable: bool = False
    channels: frozenset[str] | None = None
    needs_approval: bool = False
    may_ask: bool = False

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        schema = self.arguments if isinstance(self.arguments, dict) else _schema_of(self.arguments)
        return ToolSpec(name=self.name, description=self.description, input_schema=schema)


@lru_cache(maxsize=4_096)
def _schema_of(arguments: type[BaseModel]) -> JsonObject:
    """Made once: it takes longer than all the rest of a request."""
    schema: JsonObject = arguments.model_json_schema()
    schema.pop("title", None)
    return schema


def build_tool(
    function: Callable[..., object],
    *,
    name: str | None = None,
    title: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    is_repeatable: bool = False,
    needs_approval: bool = False,
    may_ask: bool = False,
) -> Tool:
    """A tool out of a function: its docstring is the description, its annotated parameters the arguments.

    Raises `TypeError` for a function without a docstring, or with a parameter that has no type or cannot be named.
    """
    label = name or str(getattr(function, "__name__", ""))
    if not (description := inspect.getdoc(function)):
        raise TypeError(f"the tool {label} needs a docstring: it tells the model what the tool is for")
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    fields: dict[str, Any] = {}
    for parameter in parameters[takes_context:]:
        if parameter.kind not in _NAMEABLE:
            raise TypeError(f"the tool {label} cannot be given its parameter {parameter.name} by name")
        if parameter.name not in hints:
            raise TypeError(f"the tool {label} needs a type for its parameter {parameter.name}")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    return Tool(
        name=label,
        description=description,
        title=title or label.replace("_", " ").capitalize(),
        arguments=create_model(label, __config__=ConfigDict(extra="forbid"), **fields),
        function=function,
        takes_context=takes_context,
        timeout_s=timeout_s,
        is_repeatable=is_repeatable,
        needs_approval=needs_approval,
        may_ask=may_ask,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """What the model asked for."""

    call_id: str
    name: str
    arguments: JsonObject


async def call_tools(
    tools: Mapping[str, Tool], uses: Sequence[ToolUse], context: ToolContext, approved: Collection[str] = ()
) -> list[ToolCall]:
    """Run the calls side by side; results in the order asked. A failing tool is a result, never an exception.

    `approved` are the ids of calls that the person who asked has approved.
    """
    contexts = [replace(context, is_approved=use.call_id in approved) for use in uses]
    async with asyncio.TaskGroup() as group:
        calls = [
            group.create_task(_call(tools.get(use.name), use, own)) for use, own in zip(uses, contexts, strict=True)
        ]
    return [call.result() for call in calls]


async def _call(tool: Tool | None, use: ToolUse, context: ToolContext) -> ToolCall:
    try:
        text, is_error = await _run(tool, use, context), False
    except ApprovalNeededError:
        text, is_error = AWAITED, False
    except ToolError as error:
        text, is_error = " ".join(str(error).split())[:_ERROR_LIMIT], True
    return ToolCall(
        call_id=use.call_id,
        name=use.name,
        arguments=storable_object(use.arguments),
        result=storable(text) or "(nothing)",
        is_error=is_error,
    )


async def _run(tool: Tool | None, use: ToolUse, context: ToolContext) -> str:
    """The tool's result as text. Raises `ToolError` with one line for the model, whatever went wrong."""
    if tool is None:
        raise ToolError(f"There is no tool named {use.name}.")
    work = asyncio.create_task(_attempt(tool, use.arguments, context))
    try:
        done, _ = await asyncio.wait({work}, timeout=tool.timeout_s)
    finally:
        await _give_up(work)
    if not done:
        raise ToolError(f"{tool.name} gave no result within {tool.timeout_s:g} seconds.")
    text, error = work.result()
    if error is None:
        return text
    raise error if isinstance(error, ToolError) else _failed(tool, error) from error


async def _attempt(tool: Tool, arguments: JsonObject, context: ToolContext) -> tuple[str, BaseException | None]:
    """The result as text, or what the tool raised, be it an exit: a tool is anybody's code and ends only itself."""
    try:
        return _as_text(tool, await _invoke(tool, arguments, context)), None
    except BaseException as error:  # noqa: BLE001  told to the model
        return "", error


async def _give_up(work: asyncio.Task[tuple[str, BaseException | None]]) -> None:
    """Cancel what still works. It may tidy up for a moment; what does not end is left to itself."""
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=TIDY_S)


async def _invoke(tool: Tool, arguments: JsonObject, context: ToolContext) -> object:
    values = {"arguments": arguments} if isinstance(tool.arguments, dict) else _check(tool.arguments, arguments)
    call = partial(tool.function, *([context] if tool.takes_context else []), **values)
    result = call() if inspect.iscoroutinefunction(tool.function) else await call_in_thread(call)
    return await result if inspect.isawaitable(result) else result


def find_argument_fault(tool: Tool, arguments: JsonObject) -> str | None:
    """Why a call cannot be made with these arguments, in one line for the model; none where nobody knows."""
    if isinstance(tool.arguments, dict):
        return None
    try:
        _check(tool.arguments, arguments)
    except ToolError as error:
        return " ".join(str(error).split())[:_ERROR_LIMIT]
    return None


def _check(model: type[BaseModel], arguments: JsonObject) -> dict[str, Any]:
    try:
        checked = model.model_validate(arguments)
    except ValidationError as error:
        raise ToolError("; ".join(_explain(detail) for detail in error.errors())) from error
    return {name: getattr(checked, name) for name in model.model_fields}


def _failed(tool: Tool, error: BaseException) -> ToolError:
    try:
        words = f": {error}" if str(error) else ""
    except Exception:  # noqa: BLE001  an error's own text may fail too
        words = ""
    return ToolError(f"{tool.name} failed: {type(error).__name__}{words}")


def _as_text(tool: Tool, result: object) -> str:
    if not isinstance(result, str):
        raise ToolError(f"{tool.name} gave {type(result).__name__} where text was expected.")
    if len(result) > RESULT_LIMIT:
        raise ToolError(
            f"{tool.name} gave {len(result):,} characters; at most {RESULT_LIMIT:,} are taken. Ask for less."
        )
    if _is_binary(result):
        raise ToolError(f"{tool.name} gave {len(result):,} characters of binary data where text was expected.")
    return result


def _is_binary(text: str) -> bool:
    """Whether so much of the beginning is control characters or broken Unicode that nobody could read it."""
    sample = text[:_BINARY_SAMPLE]
    bad = sum(1 for c in sample if (c < " " and c not in "\n\r\t") or c == "\ufffd" or "\ud800" <= c <= "\udfff")
    return bad > 8 and bad > _BINARY_SHARE * len(sample)


def _explain(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "arguments"
    return f"{where}: {detail['msg']}"
