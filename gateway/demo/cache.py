"""The accounts of a prompt cache as the vendor keeps them, without any cache behind it.

A prefix is read from the cache when it ends at a block where an earlier request of the same model had a breakpoint.
The vendor's least length and time to live are left out.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from agent.records import JsonObject
from gateway.demo.wire import WireRequest, WireUsage, digest, estimate_tokens

LOOKBACK_BLOCKS = 20


class PromptCache:
    """Remembers the last `capacity` prefixes that ended at a breakpoint."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._seen: OrderedDict[str, None] = OrderedDict()

    def account(self, request: WireRequest, output_tokens: int) -> WireUsage:
        """The usage of a call, and the prefixes it leaves in the cache."""
        prefixes = list(_prefixes(request))
        marks = [index for index, (_, _, ttl) in enumerate(prefixes) if ttl is not None]
        read_to = max((self._find(prefixes, mark) for mark in marks), default=-1)
        usage = WireUsage(
            input_tokens=max(1, sum(tokens for _, tokens, _ in prefixes[max([read_to, *marks]) + 1 :])),
            output_tokens=output_tokens,
            cache_read_tokens=sum(tokens for _, tokens, _ in prefixes[: read_to + 1]),
        )
        begin = read_to + 1
        for mark in marks:
            name, _, ttl = prefixes[mark]
            written = sum(tokens for _, tokens, _ in prefixes[begin : mark + 1])
            begin = max(begin, mark + 1)
            field = "cache_write_1h_tokens" if ttl == "1h" else "cache_write_5m_tokens"
            usage = replace(usage, **{field: getattr(usage, field) + written})
            self._remember(name)
        return usage

    def _find(self, prefixes: list[tuple[str, int, str | None]], mark: int) -> int:
        """The longest known prefix that ends at the breakpoint or up to twenty blocks before it; -1 for none."""
        for index in range(mark, max(-1, mark - LOOKBACK_BLOCKS), -1):
            if prefixes[index][0] in self._seen:
                self._seen.move_to_end(prefixes[index][0])
                return index
        return -1

    def _remember(self, name: str) -> None:
        self._seen[name] = None
        self._seen.move_to_end(name)
        while len(self._seen) > self._capacity:
            self._seen.popitem(last=False)


def count_prompt(request: WireRequest) -> int:
    """All tokens of a prompt."""
    return sum(tokens for _, tokens, _ in _prefixes(request))


def _prefixes(request: WireRequest) -> Iterator[tuple[str, int, str | None]]:
    """For each block in the vendor's order: a name for all up to it, its own tokens, its breakpoint's time to live."""
    name = digest(request.model)
    for kind, block in _blocks(request):
        mark = block.get("cache_control")
        bare: JsonObject = {key: value for key, value in block.items() if key != "cache_control"}
        name = digest([name, kind, bare])
        yield name, estimate_tokens(bare), str(mark.get("ttl", "5m")) if isinstance(mark, dict) else None


def _blocks(request: WireRequest) -> Iterator[tuple[str, JsonObject]]:
    for tool in request.tools:
        yield "tool", tool
    for block in request.system:
        yield "system", block
    for role, blocks in request.messages:
        for block in blocks:
            yield role, block
