"""People: their accounts, how these are linked and parted, and how everything of a person is erased."""

from starlette.responses import Response

from adapters.api.bodies import NoQuery
from adapters.api.context import Api, Call, no_such
from adapters.api.names import is_name
from adapters.api.people_views import (
    AccountsView,
    AccountView,
    ErasureView,
    LinkCodeView,
    LinkedView,
    SayCode,
    UnlinkedView,
)
from adapters.api.reading import read_body, read_query
from adapters.api.tasks import render


async def list_identities(api: Api, call: Call) -> Response:
    """A person's accounts."""
    read_query(call.request, NoQuery)
    user_id = await api.people.require(call.user_id)
    accounts = await api.people.list_accounts(user_id)
    return render(AccountsView(user_id=user_id, identities=tuple(map(AccountView.model_validate, accounts))))


async def issue_link_code(api: Api, call: Call) -> Response:
    """A code that proves on another channel that somebody is this person. The code before it is void."""
    read_query(call.request, NoQuery)
    issued = await api.people.issue_code(await api.people.require(call.user_id))
    return render(LinkCodeView.model_validate(issued), 201)


async def redeem_link_code(api: Api, call: Call) -> Response:
    """The person said a code that was issued on another channel: both are one person from now on."""
    body = await read_body(call.request, SayCode)
    linked = await api.people.redeem_code(await api.people.require(call.user_id), body.code)
    return render(LinkedView.model_validate(linked))


async def unlink_identity(api: Api, call: Call) -> Response:
    """Undo the link that brought an account; it takes back what it made."""
    read_query(call.request, NoQuery)
    identity_id = call.request.path_params["identity_id"]
    if not is_name(identity_id):
        raise no_such("identity")
    user_id = await api.people.require(call.user_id)
    return render(UnlinkedView(user_id=await api.people.unlink(user_id, identity_id)))


async def erase_user(api: Api, call: Call) -> Response:
    """Erase all that was said by the person, answered to them and remembered of them. It cannot be undone."""
    read_query(call.request, NoQuery)
    return render(ErasureView.model_validate(await api.people.erase(call.user_id)))
