"""The operations on people: an operator's on anybody, and a person's on themselves."""

from adapters.api import people
from adapters.api.errors import ErrorCode
from adapters.api.memory_operations import ME, USER
from adapters.api.operation import OF_A_BODY, OF_ONE, Operation
from adapters.api.people_views import AccountsView, ErasureView, LinkCodeView, LinkedView, SayCode, UnlinkedView
from adapters.api.tokens import Scope

_LIMITED = (*OF_ONE, ErrorCode.BUSY)

PEOPLE_OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="DELETE",
        path=USER,
        handler=people.erase_user,
        is_long=True,
        summary="Erase a person",
        answers={200: ErasureView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="GET",
        path=f"{USER}/identities",
        handler=people.list_identities,
        summary="List a person's accounts",
        answers={200: AccountsView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="DELETE",
        path=f"{USER}/identities/{{identity_id}}",
        handler=people.unlink_identity,
        is_long=True,
        summary="Undo a link",
        answers={200: UnlinkedView},
        scope=Scope.OPERATOR,
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path=f"{USER}/link-codes",
        handler=people.issue_link_code,
        summary="Issue a code that links a person's account on another channel",
        answers={201: LinkCodeView},
        scope=Scope.OPERATOR,
        errors=_LIMITED,
    ),
    Operation(
        method="POST",
        path=f"{USER}/links",
        handler=people.redeem_link_code,
        is_long=True,
        summary="Link by a code that was issued on another channel",
        body=SayCode,
        answers={200: LinkedView},
        scope=Scope.OPERATOR,
        errors=(*_LIMITED, *OF_A_BODY),
    ),
    Operation(
        method="GET",
        path=f"{ME}/identities",
        handler=people.list_identities,
        summary="List my accounts",
        answers={200: AccountsView},
        scope=None,
        errors=OF_ONE,
    ),
    Operation(
        method="POST",
        path=f"{ME}/link-codes",
        handler=people.issue_link_code,
        summary="Issue a code that links my account on another channel",
        answers={201: LinkCodeView},
        scope=None,
        errors=_LIMITED,
    ),
    Operation(
        method="POST",
        path=f"{ME}/forget",
        handler=people.erase_user,
        is_long=True,
        summary="Erase everything of me",
        answers={200: ErasureView},
        scope=None,
        errors=OF_ONE,
    ),
)
