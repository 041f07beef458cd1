"""What a configuration names outside itself: Python tools and hooks, texts and secrets in files and variables."""

import importlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from agent.tools import Tool, build_tool
from gateway.builtin_tools import BUILTIN_TOOLS
from gateway.hooks import Hooks

FILE_LIMIT_BYTES = 1024 * 1024
_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TELLING_NAME = re.compile(r"[A-Z]{1,12}(_[A-Z0-9]{1,12})+")


class NotUsableError(Exception):
    """What the configuration names cannot be used. The text says why, without any value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a configuration stands: paths in it start at `base`, variables are looked up in `environ`."""

    base: Path
    environ: Mapping[str, str]

    def read_text(self, path: str) -> str:
        """A text file, without white space at its ends. Raises `NotUsableError`, which does not quote the path."""
        try:
            data = (self.base / path).read_bytes()
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or "no path"
            raise NotUsableError(f"the file that it names cannot be read: {reason}") from None
        if len(data) > FILE_LIMIT_BYTES:
            raise NotUsableError(f"expected a file of at most {FILE_LIMIT_BYTES} bytes")
        try:
            return data.decode().strip()
        except UnicodeDecodeError:
            raise NotUsableError("expected a file in UTF-8") from None

    def read_variable(self, name: str) -> str:
        """A variable. Raises `NotUsableError`, which names it only where that cannot be a secret put there in error."""
        value = self.environ.get(name)
        if value is None:
            shown = f"variable {name}" if _TELLING_NAME.fullmatch(name) else "variable that it names"
            raise NotUsableError(f"the environment {shown} is not set")
        return value.strip()

    def load_tool(self, name: str) -> Tool:
        """A built-in tool, or the function that `module:function` names. Raises `NotUsableError`."""
        module_name, colon, function_name = name.partition(":")
        if not colon:
            if name not in BUILTIN_TOOLS:
                known = ", ".join(sorted(BUILTIN_TOOLS))
                raise NotUsableError(f"there is no built-in tool {name}; expected one of {known}, or module:function")
            return BUILTIN_TOOLS[name]()
        found = getattr(self._import(module_name), function_name, None)
        if found is None:
            raise NotUsableError(f"the module {module_name} has no {function_name}")
        tool = found if isinstance(found, Tool) else _make_tool(found, name)
        if not _TOOL_NAME.fullmatch(tool.name):
            raise NotUsableError("expected a tool whose name has 1 to 64 letters, digits, dashes and underscores")
        return tool

    def load_hooks(self, module_name: str) -> Hooks:
        """The hooks that a module has. Raises `NotUsableError`, also for one that has none of them."""
        module = self._import(module_name)
        found = {name: getattr(module, name) for name in Hooks.__slots__ if hasattr(module, name)}
        if not found:
            raise NotUsableError(f"the module {module_name} has none of {', '.join(Hooks.__slots__)}")
        for name, hook in found.items():
            if not callable(hook):
                raise NotUsableError(f"expected {module_name}.{name} to be a function")
        return Hooks(**found)

    def _import(self, name: str) -> ModuleType:
        """Modules beside the configuration file are found after all others."""
        place = str(self.base.absolute())
        if place not in sys.path:
            sys.path.append(place)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise NotUsableError(f"there is no Python module {error.name}") from error
        except Exception as error:  # a module is anybody's code: whatever it raises stops the start with one line
            raise NotUsableError(f"importing {name} failed: {type(error).__name__}{_line_of(error)}") from error


def _make_tool(found: object, name: str) -> Tool:
    if not callable(found):
        raise NotUsableError(f"expected {name} to be a function or a Tool")
    try:
        return build_tool(found)
    except (TypeError, NameError, ValueError) as error:
        raise NotUsableError(f"{name} is no tool: {error}") from error


def _line_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f" (in {Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
