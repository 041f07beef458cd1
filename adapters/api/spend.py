"""What the model cost, for operators."""

from datetime import date
from decimal import Decimal

from pydantic import Field
from starlette.responses import Response

from adapters.api.bodies import Page
from adapters.api.context import Api, Call
from adapters.api.reading import read_query
from adapters.api.tasks import render
from adapters.api.views import View


class SpendPage(Page):
    """Which accounts."""

    day: date | None = Field(default=None, description="In UTC; left out, today.")
    account: str = Field(default="", max_length=300, description="Only accounts that begin like this, such as `site:`.")


class SpentView(View):
    """What an account paid on a day, and what calls that go on may still cost it."""

    scope: str
    day: date
    spent_usd: Decimal
    spent_tokens: int
    reserved_usd: Decimal
    reserved_tokens: int


class SpendView(View):
    """Accounts, the dearest first."""

    accounts: tuple[SpentView, ...]


async def list_spend(api: Api, call: Call) -> Response:
    """A day's accounts, the dearest first."""
    page = read_query(call.request, SpendPage)
    spent = await api.operating.spend.list_spent(page.day, page.account, page.limit)
    return render(SpendView(accounts=tuple(map(SpentView.model_validate, spent))))
