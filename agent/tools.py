"""Tools: Python functions whose arguments are typed, and validated before they are called.

The model never says who asks: a tool that needs to know takes a `context: ToolContext` as its first parameter.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from agent.errors import ToolError
from agent.ports import ToolSpec
from agent.records import JsonObject, Task, ToolCall
from agent.text import storable, storable_object

DEFAULT_TIMEOUT_S = 30.0
RESULT_LIMIT = 200_000
_ERROR_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext:
    """On whose behalf a tool runs."""

    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the model may call. `is_repeatable`: calling it again after a crash does no harm."""

    name: str
    description: str
    title: str
    arguments: type[BaseModel]
    function: Callable[..., object]
    takes_context: bool
    timeout_s: float = DEFAULT_TIMEOUT_S
    is_repeatable: bool = True

    @property
    def spec(self) -> ToolSpec:
        """The tool as the model sees it."""
        schema: JsonObject = self.arguments.model_json_schema()
        schema.pop("title", None)
        return ToolSpec(name=self.name, description=self.description, input_schema=schema)


def build_tool(
    function: Callable[..., object],
    *,
    name: str | None = None,
    title: str | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    is_repeatable: bool = True,
) -> Tool:
    """A tool out of a function: its docstring is the description, its annotated parameters the arguments.

    Raises `TypeError` for a function without a docstring or with a parameter that is not annotated.
    """
    label = name or str(getattr(function, "__name__", ""))
    if not (description := inspect.getdoc(function)):
        raise TypeError(f"the tool {label} needs a docstring: it tells the model what the tool is for")
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    fields: dict[str, Any] = {}
    for parameter in parameters[takes_context:]:
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
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """What the model asked for."""

    call_id: str
    name: str
    arguments: JsonObject


async def call_tools(tools: Mapping[str, Tool], uses: Sequence[ToolUse], context: ToolContext) -> list[ToolCall]:
    """Run the calls side by side; results in the order asked. A failing tool is a result, never an exception."""
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(_call(tools.get(use.name), use, context)) for use in uses]
    return [call.result() for call in calls]


async def _call(tool: Tool | None, use: ToolUse, context: ToolContext) -> ToolCall:
    try:
        text, is_error = await _run(tool, use, context), False
    except ToolError as error:
        text, is_error = str(error)[:_ERROR_LIMIT], True
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
    try:
        values = tool.arguments.model_validate(use.arguments)
    except ValidationError as error:
        raise ToolError("; ".join(_explain(detail) for detail in error.errors())) from error
    given = [context] if tool.takes_context else []
    try:
        async with asyncio.timeout(tool.timeout_s):
            result = await _invoke(tool, given, {name: getattr(values, name) for name in tool.arguments.model_fields})
    except TimeoutError as error:
        raise ToolError(f"{tool.name} gave no result within {tool.timeout_s:g} seconds.") from error
    except ToolError:
        raise
    except Exception as error:  # a tool is anybody's code: whatever it raises is told to the model in one line
        raise ToolError(f"{tool.name} failed: {type(error).__name__}: {error}".split("\n")[0]) from error
    return _as_text(tool, result)


async def _invoke(tool: Tool, given: list[ToolContext], values: dict[str, Any]) -> object:
    if inspect.iscoroutinefunction(tool.function):
        pending: Awaitable[object] = tool.function(*given, **values)
        return await pending
    return await asyncio.to_thread(tool.function, *given, **values)


def _as_text(tool: Tool, result: object) -> str:
    if not isinstance(result, str):
        raise ToolError(f"{tool.name} gave {type(result).__name__} where text was expected.")
    if len(result) > RESULT_LIMIT:
        return f"{result[:RESULT_LIMIT]}\n(cut: {len(result)} characters in all)"
    return result


def _explain(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "arguments"
    return f"{where}: {detail['msg']}"
