"""Buttons under a question of the agent, in a browser."""

from playwright.async_api import Page, expect

from agent.asks import Ask
from agent.ids import ApprovalId, UserId
from tests.widget.real_server import RealServer, serve_really
from tests.widget.test_talk import say


async def ask(page: Page, server: RealServer, *titles: str, user_id: UserId | None = None) -> list[Ask]:
    """The agent asks whoever wrote first, or somebody else."""
    await expect(page.locator(".foot").first).to_have_text("✓")
    first = server.gateway.inbounds[0]
    assert first.user is not None
    asks = [
        Ask(approval_id=ApprovalId(f"appr_{title}"), call_id=title, title=title, user_id=user_id or first.user.id)
        for title in titles
    ]
    server.gateway.say(first.session_id, "**Refund** waits for the approval of Ann.", asks=tuple(asks))
    return asks


async def test_the_person_who_is_asked_presses_a_button_and_it_goes(page: Page) -> None:
    """One press is enough, and nothing is left that could be pressed again. Proves: WI-56."""
    async with serve_really() as server:
        await page.goto(server.page())
        await say(page, "pay 17 back")
        await ask(page, server, "Refund", "Delete")
        buttons = page.locator(".foot button:not(.vote)")
        await expect(buttons).to_have_text(
            ["Approve 1: Refund", "Refuse 1: Refund", "Approve 2: Delete", "Refuse 2: Delete"]
        )
        await page.get_by_role("button", name="Refuse 2: Delete").click()
        await expect(buttons).to_have_text(["Approve 1: Refund", "Refuse 1: Refund"])
        await page.get_by_role("button", name="Approve 1: Refund").click()
        await expect(buttons).to_have_text([])
        mine = page.locator(".msg[data-from=me] .body")
        await expect(mine).to_have_text(["pay 17 back", "Refused: Delete", "Approved: Refund"])
        assert server.gateway.decisions == {"appr_Refund": "approved", "appr_Delete": "refused"}


async def test_who_is_not_asked_sees_who_is(page: Page) -> None:
    """In a shared thread nobody wonders why nothing happens. Proves: WI-56."""
    async with serve_really() as server:
        await page.goto(server.page())
        await say(page, "hello")
        await ask(page, server, "Refund", user_id=UserId("ann"))
        await expect(page.get_by_role("log").get_by_text("waits for the approval of Ann")).to_be_visible()
        await expect(page.get_by_role("button", name="Approve")).to_have_count(0)


async def test_a_decision_that_is_refused_says_why_and_leaves_the_buttons(page: Page) -> None:
    """What did not work can be tried again. Proves: WI-56."""
    async with serve_really() as server:
        await page.goto(server.page())
        await say(page, "pay 17 back")
        [one] = await ask(page, server, "Refund")
        server.gateway.decisions[one.approval_id] = "refused"
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator(".line")).to_have_text("This was approved before.")
        await expect(page.locator(".foot button:not(.vote)")).to_have_count(2)
