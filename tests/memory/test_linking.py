"""Which facts stay live when accounts are linked and parted: pure decisions."""

from datetime import timedelta

from agent.ids import MemoryId, SessionId
from memory.linking import Fact, part_facts, plan_link, plan_revival
from tests.support.agent_runs import AT

THREAD = SessionId("slack:T1:C1:1.0")


def fact(
    name: str,
    *,
    text: str | None = None,
    slot: str | None = None,
    minutes: int = 0,
    is_live: bool = True,
    account_id: str | None = None,
    also_of: frozenset[str] = frozenset(),
    seq: int | None = None,
    supersedes: str | None = None,
    replaced_by: str | None = None,
) -> Fact:
    """A fact that is true since so many minutes after the first."""
    return Fact(
        memory_id=MemoryId(name),
        hash=(text or name).encode(),
        slot=slot,
        valid_from=AT + timedelta(minutes=minutes),
        valid_to=None if is_live else AT + timedelta(hours=1),
        supersedes=MemoryId(supersedes) if supersedes else None,
        replaced_by=MemoryId(replaced_by) if replaced_by else None,
        account_id=account_id,
        also_of=also_of,
        source=None if seq is None else (THREAD, seq),
    )


def test_the_same_fact_of_both_is_kept_once() -> None:
    """The person is told nothing twice. Proves: ID-3."""
    assert plan_link([fact("a", text="likes tea")], [fact("b", text="likes tea")]) == ({"a": "b"}, {})


def test_of_two_facts_in_one_slot_the_newer_stays_whoever_had_it() -> None:
    """What was said last is true. Proves: ID-3, UM-14."""
    berlin, paris = fact("a", slot="home_city"), fact("b", slot="home_city", minutes=5)
    assert plan_link([berlin], [paris]) == ({"a": "b"}, {})
    assert plan_link([paris], [berlin]) == ({}, {"a": "b"})


def test_history_is_nobodys_rival() -> None:
    """A fact that ended long ago neither ends nor is ended. Proves: ID-3."""
    assert plan_link([fact("a", slot="job", is_live=False)], [fact("b", slot="job")]) == ({}, {})


def test_an_account_takes_back_what_it_came_with_and_what_was_said_with_it_since() -> None:
    """And nothing else. Proves: ID-3."""
    facts = [fact("came", account_id="ann"), fact("said", seq=7), fact("other", seq=8), fact("own")]
    theirs, others, mixed = part_facts(facts, "ann", {THREAD: {7}}, set())
    assert [f.memory_id for f in theirs] == ["came", "said"]
    assert [f.memory_id for f in others] == ["other", "own"]
    assert mixed == []


def test_a_fact_that_holds_what_both_told_is_neithers_nor_is_what_it_was_merged_into() -> None:
    """Three accounts: what two others told together stays. Proves: ID-3, UM-10."""
    facts = [
        fact("told", account_id="ann", also_of=frozenset({"bob"}), is_live=False, replaced_by="merged"),
        fact("corrected", also_of=frozenset({"ann"})),
        fact("merged"),
        fact("others", account_id="cyd", also_of=frozenset({"bob"})),
        fact("own", account_id="ann", also_of=frozenset({"ann"})),
    ]
    theirs, others, mixed = part_facts(facts, "ann", {}, {MemoryId("merged")})
    assert [f.memory_id for f in theirs] == ["own"]
    assert [f.memory_id for f in others] == ["others"]
    assert [f.memory_id for f in mixed] == ["told", "corrected", "merged"]


def test_what_the_others_facts_had_ended_is_true_again_once_they_are_parted() -> None:
    """At the link or by a newer fact since; never what the person took back themselves. Proves: ID-3."""
    ended = fact("a", slot="home_city", is_live=False, replaced_by="b")
    replaced = fact("c", is_live=False)
    retired = fact("d", is_live=False)
    assert plan_revival([ended, replaced, retired], [fact("b"), fact("e", supersedes="c")]) == ["a", "c"]


def test_of_two_that_could_come_back_into_a_slot_only_the_newer_does() -> None:
    """And none where another fact is live there. Proves: ID-3, UM-14."""
    older, newer = (fact(f"a{n}", slot="job", is_live=False, minutes=n, replaced_by="b") for n in (1, 2))
    assert plan_revival([older, newer], [fact("b")]) == ["a2"]
    assert plan_revival([older, fact("c", slot="job")], [fact("b")]) == []


def test_a_memory_that_was_merged_out_of_both_peoples_facts_is_neithers_and_their_facts_come_back() -> None:
    """Its text tells the one what the other said. Proves: ID-3, UM-7."""
    a, b = fact("a", seq=1, is_live=False, replaced_by="both"), fact("b", is_live=False, replaced_by="both")
    both, more = fact("both", is_live=False, replaced_by="more"), fact("more")
    c = fact("c", is_live=False, replaced_by="more")
    theirs, others, mixed = part_facts([a, b, c, both, more], "ann", {THREAD: {1}}, {both.memory_id, more.memory_id})
    assert (theirs, others, mixed) == ([a], [b, c], [both, more])
    assert plan_revival(theirs, [*others, *mixed]) == ["a"]
    assert plan_revival(others, [*theirs, *mixed]) == ["b", "c"]


def test_a_memory_that_was_merged_out_of_one_persons_facts_goes_with_these() -> None:
    """Proves: ID-3, UM-7."""
    a, own = fact("a", seq=1, is_live=False, replaced_by="m"), fact("own", is_live=False, replaced_by="n")
    m, n, empty = fact("m"), fact("n"), fact("empty")
    made = {m.memory_id, n.memory_id, empty.memory_id}
    assert part_facts([a, own, m, n, empty], "ann", {THREAD: {1}}, made) == ([a, m], [own, n, empty], [])
