"""Works out a sum that somebody wrote, and nothing else: no names but its own, no loops, no numbers without bound."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

LENGTH_LIMIT = 200
BITS_LIMIT = 3_000
"""Whole numbers up to about 900 digits."""
DIGITS_LIMIT = 300

Number: TypeAlias = int | float


class NotComputableError(Exception):
    """The expression cannot be worked out. The text says why."""


_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def _digits(digits: Number) -> int:
    """Python would reckon with a number of as many digits as are asked for."""
    if not isinstance(digits, int) or abs(digits) > DIGITS_LIMIT:
        raise NotComputableError(f"expected at most {DIGITS_LIMIT} digits")
    return digits


_FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "floor": math.floor,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": lambda value, digits=0: round(value, _digits(digits)) if digits else round(value),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"})


def compute(expression: str) -> str:
    """The result, as a person would write it. Raises `NotComputableError`."""
    text = expression.strip().translate(_SIGNS).replace("^", "**")
    if len(text) > LENGTH_LIMIT:
        raise NotComputableError(f"expected at most {LENGTH_LIMIT} characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotComputableError("expected an arithmetic expression, such as (3 + 4) * 2.5") from None
    return _show(_value(tree.body))


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _bounded(value)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _apply(sign, _value(left), _value(right))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _call(_FUNCTIONS[name], [_value(argument) for argument in arguments])
        case ast.Tuple():
            raise NotComputableError("expected numbers without thousands separators, and a point for decimals")
        case _:
            raise NotComputableError(f"expected numbers, + - * / // % **, parentheses and {', '.join(_FUNCTIONS)}")


def _apply(sign: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(sign, ast.Pow):
        _check_power(left, right)
    return _call(_BINARY[type(sign)], [left, right])


def _check_power(base: Number, exponent: Number) -> None:
    """Before it is worked out: `9**9**9` would keep the machine busy for longer than anybody waits."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and _is_large(base, exponent):
        raise NotComputableError("the result is too large")


def _is_large(base: int, exponent: int) -> bool:
    return base.bit_length() * abs(exponent) > BITS_LIMIT


def _call(function: Callable[..., Number], arguments: list[Number]) -> Number:
    try:
        return _bounded(function(*arguments))
    except ZeroDivisionError:
        raise NotComputableError("division by zero") from None
    except OverflowError:
        raise NotComputableError("the result is too large") from None
    except (TypeError, ValueError):
        raise NotComputableError("these numbers have no result here") from None


def _bounded(value: object) -> Number:
    if not isinstance(value, int | float):
        raise NotComputableError("the result is not a real number")
    if isinstance(value, int):
        if value.bit_length() > BITS_LIMIT:
            raise NotComputableError("the result is too large")
    elif not math.isfinite(value):
        raise NotComputableError("the result is too large")
    return value


def _show(value: Number) -> str:
    """Fifteen digits hide what binary fractions add: 0.1 + 0.2 is 0.3."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
