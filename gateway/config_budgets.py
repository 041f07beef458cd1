"""The budgets of a configuration."""

from collections.abc import Collection

from agent.budgets import Budgets, Cap
from gateway.config_errors import Report
from gateway.config_outside import BudgetsTable, CapTable


def build_budgets(table: BudgetsTable, sites: Collection[str], report: Report) -> Budgets:
    """The caps. A site that there is none of goes into the report."""
    for key in table.sites:
        if key not in sites:
            report.add(f"budgets.sites.{key}", "expected the key of a site that is configured")
    return Budgets(
        total=_cap(table.total),
        user=_cap(table.user),
        visitor=_cap(table.visitor),
        conversation=_cap(table.conversation),
        channels={name: _cap(cap) for name, cap in table.channels.items()},
        sites={key: _cap(cap) for key, cap in table.sites.items()},
    )


def _cap(table: CapTable) -> Cap:
    return Cap(usd=table.usd, tokens=table.tokens)
