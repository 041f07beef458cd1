"""The buttons of a call that waits for approval: only the person who asked decides, and the message shows what."""

from adapters.ports import Gateway
from adapters.slack.addresses import Address
from adapters.slack.ask_blocks import Pressed, build_decided, read_pressed
from adapters.slack.deciding import Decision, Reason, Verdict
from adapters.slack.errands import Errands
from adapters.slack.outward import render_text
from adapters.slack.pieces import Piece
from adapters.slack.places import identity_of
from adapters.slack.ports import Posts
from adapters.slack.previews import Previews
from adapters.slack.records import Clicked
from adapters.slack.splitting import split
from agent.errors import ApprovalClosedError, ApprovalNotYoursError, NotFoundError
from agent.ids import SessionId
from agent.records import JsonObject, Message

NOT_YOURS = "Only the person who asked can decide this."
TEXT_LIMIT = 3_900
MESSAGES_LOOKED_AT = 200
_NEWEST = 2**53
Outcome = tuple[Decision, SessionId | None]


class Approving:
    """What is done about them. Everything raises `StoreUnavailableError`: then the click is not acked."""

    def __init__(self, gateway: Gateway, posts: Posts, previews: Previews, errands: Errands) -> None:
        self._gateway = gateway
        self._posts = posts
        self._previews = previews
        self._errands = errands

    async def click(self, clicked: Clicked) -> Outcome:
        """A button was pressed. The decision is committed when this returns."""
        pressed = read_pressed(clicked.action_id, clicked.value)
        place = (clicked.origin.installation, clicked.conversation or "", clicked.ts or "")
        session_id = await self._posts.find_session(*place)
        if pressed is None or session_id is None:
            return _ignore(Reason.UNKNOWN_MESSAGE), None
        user = await self._gateway.find_user(identity_of(clicked.origin.installation, clicked.home, clicked.user))
        if user is None:
            self._tell(clicked, NOT_YOURS)
            return _ignore(Reason.NOT_ASKED), session_id
        try:
            accepted = await self._gateway.decide(user, session_id, pressed.approval_id, pressed.decision)
        except ApprovalNotYoursError as error:
            self._tell(clicked, str(error))
            return _ignore(Reason.NOT_ASKED), session_id
        except (ApprovalClosedError, NotFoundError) as error:
            self._tell(clicked, str(error))
            self._errands.start(self._show(clicked, session_id, pressed))
            return _ignore(Reason.CLOSED), session_id
        if not accepted.is_duplicate:
            self._previews.start(_address(clicked, session_id, pressed), accepted.run_id, accepted.seq)
        self._errands.start(self._show(clicked, session_id, pressed))
        return Decision(verdict=Verdict.ANSWERED, reason=Reason.DECIDED), session_id

    def _tell(self, clicked: Clicked, words: str) -> None:
        """A note that only who pressed the button sees."""
        arguments: JsonObject = {"channel": clicked.conversation, "user": clicked.user, "text": words}
        if clicked.thread_ts is not None:
            arguments["thread_ts"] = clicked.thread_ts
        self._errands.start(self._errands.call(clicked.origin.installation, "chat.postEphemeral", arguments))

    async def _show(self, clicked: Clicked, session_id: SessionId, pressed: Pressed) -> None:
        """The question, with what was decided in place of its buttons."""
        messages = await self._gateway.load_messages_before(session_id, _NEWEST, MESSAGES_LOOKED_AT)
        question = next((one for one in messages if one.message_id == pressed.post_key), None)
        approvals = await self._gateway.list_approvals(session_id)
        asked = next((one for one in approvals if one.approval_id == pressed.approval_id), None)
        if question is None or asked is None:
            return
        together = [one for one in approvals if one.run_id == asked.run_id]
        together.sort(key=lambda one: (one.asked_at, one.approval_id))
        piece = _piece(clicked, session_id, pressed, question)
        arguments: JsonObject = {
            "channel": clicked.conversation,
            "ts": clicked.ts,
            "text": piece.body[:TEXT_LIMIT],
            "blocks": [{"type": "markdown", "text": piece.body}, *build_decided(together, pressed.post_key)],
            "metadata": piece.metadata,
        }
        await self._errands.call(clicked.origin.installation, "chat.update", arguments)


def _piece(clicked: Clicked, session_id: SessionId, pressed: Pressed, question: Message) -> Piece:
    """The message as it was posted: the question's last part."""
    bodies = split(render_text(question.text))
    address = _address(clicked, session_id, pressed)
    return Piece(address=address, post_key=pressed.post_key, part=len(bodies) - 1, body=bodies[-1], is_last=True)


def _address(clicked: Clicked, session_id: SessionId, pressed: Pressed) -> Address:
    """Where the answer to the decision belongs: the same thread, under the approval's own name."""
    return Address(
        session_id=session_id,
        question=pressed.approval_id,
        installation=clicked.origin.installation,
        conversation=clicked.conversation or "",
        thread_ts=clicked.thread_ts or clicked.ts or "",
        question_ts=clicked.ts or "",
        team=clicked.home if clicked.home.startswith("T") else clicked.origin.team,
        user=clicked.user,
    )


def _ignore(reason: Reason) -> Decision:
    return Decision(verdict=Verdict.IGNORED, reason=reason)
