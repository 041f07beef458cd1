"""What operators watch."""

import pytest

from agent.records import Usage
from gateway import metrics


def test_the_share_that_is_read_from_cache_goes_by_the_bills(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells whether prompts stay stable. Proves: CX-5."""
    monkeypatch.setattr("gateway.metrics._Prompts.total", 0)
    monkeypatch.setattr("gateway.metrics._Prompts.read", 0)
    metrics.count_cached(Usage(input_tokens=10, cache_write_tokens=90, output_tokens=500))
    metrics.count_cached(Usage(input_tokens=10, cache_read_tokens=290, output_tokens=500))
    assert b"parley_cache_read_share 0.725" in metrics.render_metrics()
