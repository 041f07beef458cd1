"""A person in a conversation proves to be somebody: by the site's token, or by a code of another channel."""

from adapters.ports import People
from adapters.widget.commands import BecomeKnown, Identifying, IssueCode, RedeemCode
from adapters.widget.greeting import Greeter, Place, account_of
from adapters.widget.replies import render_identified, render_link_code, render_nack
from adapters.widget.tokens import Claims
from agent.errors import BusyError, InputError, StoreUnavailableError

_RETRY_S = 2.0
LINKED = "These accounts are one person's now."


class Identifier:
    """Serves every place."""

    def __init__(self, greeter: Greeter, people: People) -> None:
        self._greeter = greeter
        self._people = people

    async def serve(self, place: Place, work: Identifying) -> tuple[str, Place]:
        """The frame to send, and the place as it is then. What cannot be done is answered, never raised."""
        try:
            match work:
                case BecomeKnown():
                    return await self._become_known(place, work)
                case IssueCode():
                    issued = await self._people.issue_link_code(place.user, account_of(place.site, place.bearer))
                    return render_link_code(work.frame_id, issued.code, issued.expires_at), place
                case RedeemCode():
                    return await self._redeem(place, work)
        except BusyError as error:
            return render_nack(work.frame_id, "rate", str(error), error.retry_after_s), place
        except StoreUnavailableError as error:
            return render_nack(work.frame_id, "unavailable", error.sentence, _RETRY_S), place
        except InputError as error:
            return render_nack(work.frame_id, "refused", str(error)), place

    async def _become_known(self, place: Place, work: BecomeKnown) -> tuple[str, Place]:
        known = await self._greeter.find_known(place.site, work.claims, place.user.timezone)
        merged_from = None
        if not isinstance(place.bearer, Claims):
            merged_from = (await self._people.identify(place.user, known)).merged_from
        return render_identified(known.id, merged_from), place.become(work.claims, known)

    async def _redeem(self, place: Place, work: RedeemCode) -> tuple[str, Place]:
        account = account_of(place.site, place.bearer)
        linked = await self._people.redeem_link_code(place.user, account, work.code)
        user = await self._greeter.find_user(account) or place.user
        reply = render_identified(linked.user_id, linked.merged_from)
        return render_nack(work.frame_id, "linked", LINKED) if work.is_said else reply, place.become(place.bearer, user)
