"""What operators see of the model's cost."""

from tests.adapters.api.caller import Caller, error_of


async def test_an_operator_reads_what_each_account_paid(operator: Caller) -> None:
    """A bill that nobody can explain is a bill that nobody pays. Proves: AG-5."""
    answer = await operator.get("/api/v1/spend?day=2026-05-03&account=site:")
    assert answer.json() == {
        "accounts": [
            {
                "scope": "site:shop",
                "day": "2026-05-03",
                "spent_usd": "0.25",
                "spent_tokens": 100,
                "reserved_usd": "0",
                "reserved_tokens": 0,
            }
        ]
    }
    assert len((await operator.get("/api/v1/spend")).json()["accounts"]) == 2


async def test_what_people_spend_is_for_operators_only_and_a_day_is_a_date(caller: Caller, operator: Caller) -> None:
    """The accounts name people and threads."""
    assert error_of(await caller.get("/api/v1/spend"))["code"] == "forbidden"
    assert error_of(await operator.get("/api/v1/spend?day=yesterday"))["code"] == "invalid"
