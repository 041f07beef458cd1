"""The buttons under a call that waits for approval, and what takes their place once it is decided. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.approvals import DECISIONS, Approval, list_choices
from agent.asks import ApprovalState, Ask, Decision
from agent.ids import ApprovalId
from agent.records import JsonObject, JsonValue
from agent.speech import UNNAMED

ACTION = "parley_ask:"
_LABEL_LIMIT = 75
_OUTCOMES = {
    ApprovalState.APPROVED: "✓ {title}: approved by {name}",
    ApprovalState.REFUSED: "✕ {title}: refused by {name}",
    ApprovalState.EXPIRED: "✕ {title}: not approved in time",
    ApprovalState.STOPPED: "✕ {title}: stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button that was pressed, under the message `post_key`."""

    approval_id: ApprovalId
    decision: Decision
    post_key: str


def build_asks(asks: Sequence[Ask], post_key: str, outcomes: Mapping[ApprovalId, str] | None = None) -> list[JsonValue]:
    """Two buttons for each call, or what became of it; where there are several, the buttons say which."""
    labels = {(one.approval_id, one.name): one.label for one in list_choices(asks)}
    blocks: list[JsonValue] = []
    for ask in asks:
        outcome = (outcomes or {}).get(ask.approval_id)
        if outcome is not None:
            blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": outcome}]})
            continue
        buttons = [_build_button(name, ask.approval_id, labels[ask.approval_id, name], post_key) for name in DECISIONS]
        blocks.append({"type": "actions", "elements": [*buttons]})
    return blocks


def _build_button(name: str, approval_id: ApprovalId, label: str, post_key: str) -> JsonObject:
    button: JsonObject = {
        "type": "button",
        "action_id": f"{ACTION}{name}:{approval_id}",
        "text": {"type": "plain_text", "text": label[:_LABEL_LIMIT]},
        "value": post_key,
    }
    return {**button, "style": "primary"} if DECISIONS[name] == "approved" else button


def read_pressed(action_id: str, value: str) -> Pressed | None:
    """Which button that is; none when it is another one."""
    name, _, approval_id = action_id.removeprefix(ACTION).partition(":")
    if not action_id.startswith(ACTION) or name not in DECISIONS:
        return None
    return Pressed(approval_id=ApprovalId(approval_id), decision=DECISIONS[name], post_key=value)


def build_decided(approvals: Sequence[Approval], post_key: str) -> list[JsonValue]:
    """What stands under a question once something of it was decided. `approvals` are its calls, in their order."""
    asks = [Ask(approval_id=one.approval_id, call_id="", title=one.title, user_id=one.user_id) for one in approvals]
    outcomes = {
        one.approval_id: _OUTCOMES[one.state].format(title=one.title, name=one.user_name or UNNAMED)
        for one in approvals
        if one.state is not ApprovalState.WAITING
    }
    return build_asks(asks, post_key, outcomes)
