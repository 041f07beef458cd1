"""What callers send: one model per body and query, from which the checks and their description are both made."""

import json
import math
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError, ValidationError

from adapters.api.names import NAME_LIMIT, NAME_PATTERN, is_name
from agent.people import is_email_address
from agent.records import Audience
from agent.times import UtcTime

PROMPT_LIMIT = 100_000
ATTRIBUTES_LIMIT_BYTES = 16 * 1024
WAIT_LIMIT_S = 120.0
DEFAULT_WAIT_S = 60.0
PAGE_LIMIT = 200
DEFAULT_PAGE = 50
SEQ_LIMIT = 2**63 - 1


def _wrong(expected: str) -> PydanticCustomError:
    return PydanticCustomError("expected", "{expected}", {"expected": f"expected {expected}"})


def _named(text: str) -> str:
    if not is_name(text):
        raise _wrong("1 to 200 printable ASCII characters without spaces")
    return text


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise _wrong("printable characters, with no space at either end")
    return text


def _address(text: str) -> str:
    if not is_email_address(text):
        raise _wrong("an e-mail address such as ann@example.com")
    return text


def _spoken(text: str) -> str:
    if not text.strip():
        raise _wrong("a text that is not blank")
    return text


def _seconds(value: object, handler: ValidatorFunctionWrapHandler) -> float:
    try:
        wait = handler(value)
    except ValidationError as error:
        raise _wrong(f"true, false or seconds from 0 to {WAIT_LIMIT_S:g}") from error
    if wait is True:
        return DEFAULT_WAIT_S
    return float(wait)


def _has_sound_numbers(value: JsonValue) -> bool:
    match value:
        case list():
            return all(_has_sound_numbers(item) for item in value)
        case dict():
            return all(_has_sound_numbers(item) for item in value.values())
        case float():
            return math.isfinite(value)
        case int():
            return -(2**63) <= value < 2**63
        case _:
            return True


def _attributes(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if not _has_sound_numbers(value):
        raise _wrong("numbers that fit in 64 bits")
    if len(json.dumps(value, ensure_ascii=False).encode()) > ATTRIBUTES_LIMIT_BYTES:
        raise _wrong(f"at most {ATTRIBUTES_LIMIT_BYTES} bytes of JSON")
    return value


Name = Annotated[str, AfterValidator(_named), Field(json_schema_extra={"pattern": NAME_PATTERN})]
ShortText = Annotated[str, Field(max_length=NAME_LIMIT)]
_WAIT = bool | Annotated[float, Field(ge=0, le=WAIT_LIMIT_S)]
Wait = Annotated[_WAIT, WrapValidator(_seconds, json_schema_input_type=_WAIT)]


class Sent(BaseModel):
    """Something that a caller sent. Nothing is converted, and what is not known is refused by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class UserDetails(Sent):
    """Who the task is from. At least an id or an e-mail address; the id is your own and is what the person is found by.

    An e-mail address alone finds the person by exactly that spelling, and proves nothing about who they are elsewhere.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["id"]}, {"required": ["email"]}],
            "examples": [{"id": "customer-42", "email": "ann@example.com", "first_name": "Ann"}],
        }
    )

    id: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), AfterValidator(_printable)] | None = None
    email: Annotated[str, Field(min_length=3, max_length=320), AfterValidator(_address)] | None = None
    first_name: ShortText | None = None
    last_name: ShortText | None = None
    timezone: ShortText | None = Field(default=None, examples=["Europe/Berlin"])
    additional_attributes: Annotated[dict[str, JsonValue], AfterValidator(_attributes)] | None = Field(
        default=None, description=f"What else is known of the person, at most {ATTRIBUTES_LIMIT_BYTES} bytes of JSON."
    )


class CreateTask(Sent):
    """A message for the agent. Only the prompt is needed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"prompt": "Where is invoice 17?"},
                {
                    "prompt": "Where is invoice 17?",
                    "user_details": {"id": "customer-42", "first_name": "Ann"},
                    "session_id": "web:demo:ticket-7",
                    "wait": 30,
                },
            ]
        }
    )

    prompt: Annotated[str, Field(min_length=1, max_length=PROMPT_LIMIT), AfterValidator(_spoken)]
    user_details: UserDetails | None = Field(
        default=None, description="Who asks. Left out, the task is nobody's in particular and no memories are used."
    )
    session_id: Name | None = Field(
        default=None, description="The thread to speak in, of any channel. Left out, a new one is begun."
    )
    agent: str | None = Field(
        default=None, description="Who is asked. Left out, the session's agent, or the default one in a new session."
    )
    audience: Annotated[Audience, Field(strict=False)] | None = Field(
        default=None, description="Who can read a new session: one person (`private`, the default) or several."
    )
    stream: bool = Field(default=False, description="Answer with server-sent events.")
    wait: Wait = Field(
        default=0.0,
        description=f"Seconds to wait for the answer; `true` is {DEFAULT_WAIT_S:g}. Not together with `stream`.",
    )

    @field_validator("wait")
    @classmethod
    def _is_one_way(cls, wait: float, info: ValidationInfo) -> float:
        if wait and info.data.get("stream"):
            raise _wrong("either this or `stream`, not both")
        return wait


class NoQuery(BaseModel):
    """The query of a request that takes none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Page(NoQuery):
    """Which page of a list."""

    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=PAGE_LIMIT, description="How many at most.")


class SeqPage(Page):
    """A page of what is numbered."""

    before: int | None = Field(
        default=None, ge=1, le=SEQ_LIMIT, description="Only those before this number: `next` of the page before."
    )


class TimePage(Page):
    """A page of what is in the order of its last change."""

    before: UtcTime | None = Field(
        default=None, description="Only those that last changed before this time: `next` of the page before."
    )


class SessionPageQuery(TimePage):
    """A page of sessions."""

    mode: Literal["agent", "waiting", "human"] | None = Field(
        default=None, description="Only those in which the agent answers, a person is waited for, or one answers."
    )


class HandoffQuery(NoQuery):
    """Which conversations with people of the team."""

    mode: Literal["waiting", "human"] | None = Field(
        default=None, description="Only those that wait (`waiting`) or are with one (`human`)."
    )
    limit: int = Field(default=DEFAULT_PAGE, ge=1, le=PAGE_LIMIT, description="How many at most.")


OperatorName = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_spoken), AfterValidator(_printable)]


class TakeSession(Sent):
    """Who takes a conversation, or hands it back."""

    name: OperatorName = Field(description="The name that people see.")


class SayAsOperator(TakeSession):
    """What a person of the team says in a conversation."""

    text: Annotated[str, Field(min_length=1, max_length=PROMPT_LIMIT), AfterValidator(_spoken)]
