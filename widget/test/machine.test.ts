import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, entry, message, welcome } from "./harness";

test("hello is the first frame and carries no token for a new visitor", () => {
  const bench = new Bench();
  const [hello] = bench.take({ t: "start" }, { t: "open" });
  assert.deepEqual(hello, { type: "hello", v: 1, site: "demo", cursor: 0 });
});

test("hello resumes where the log was left", () => {
  const bench = new Bench({ cursor: 7, session_id: "s1", epoch: "e1", token: "visitor" });
  const [hello] = bench.take({ t: "start" }, { t: "open" });
  assert.deepEqual(hello, { type: "hello", v: 1, site: "demo", token: "visitor", session_id: "s1", epoch: "e1", cursor: 7 });
});

test("a shared thread is asked for by its name, not by a session", () => {
  const bench = new Bench({ cursor: 7, session_id: "s1" }, [], { thread: "ticket-1" });
  const [hello] = bench.take({ t: "start" }, { t: "open" });
  assert.equal(hello?.type === "hello" && hello.thread, "ticket-1");
  assert.equal(hello?.type === "hello" && hello.session_id, undefined);
});

test("a message is kept and shown before it is sent, and let go only after the ack", () => {
  const bench = new Bench();
  bench.take({ t: "send", entry: entry("a", 1) });
  assert.deepEqual([bench.states(), [...bench.kept.keys()]], [["waiting"], ["a"]]);
  assert.deepEqual(bench.connect(), [{ type: "send", id: "a", text: "text of a" }]);
  assert.deepEqual(bench.states(), ["sending"]);
  bench.hear({ type: "ack", id: "a", seq: 1, message_id: "m1" });
  assert.deepEqual([bench.states(), [...bench.kept.keys()]], [["sent"], []]);
});

test("what was on its way when the connection broke is sent again with the same id", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) }, { t: "closed", code: 1006 });
  assert.deepEqual(bench.states(), ["waiting"]);
  assert.deepEqual(bench.connect({ resumed: true }), [{ type: "send", id: "a", text: "text of a" }]);
});

test("messages go out one after another in the order they were written", () => {
  const bench = new Bench();
  bench.take({ t: "send", entry: entry("a", 1) }, { t: "send", entry: entry("b", 2) });
  assert.deepEqual(bench.connect().map((frame) => frame.type === "send" && frame.id), ["a"]);
  const next = bench.hear({ type: "ack", id: "a", seq: 1, message_id: "m1" });
  assert.deepEqual(next.map((frame) => frame.type === "send" && frame.id), ["b"]);
});

test("the message itself stands for a lost ack, and takes the place of what was shown", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) });
  bench.hear(message(1, "text of a", { client_id: "a", role: "user", author: { id: "me", name: "Ann" } }));
  assert.deepEqual([bench.texts(), bench.kept.size, bench.machine.view.items[0]?.key], [["text of a"], 0, "a"]);
});

test("an ack that comes after the message, or a message without its client id, shows it once", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) });
  bench.hear(message(1, "text of a", { role: "user" }), { type: "ack", id: "a", seq: 1, message_id: "m1" });
  assert.deepEqual(bench.texts(), ["text of a"]);
});

test("a durable event heard twice is taken once", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear(message(1, "one"), message(1, "one"), message(2, "two"), message(1, "one"));
  assert.deepEqual([bench.texts(), bench.saved.cursor], [["one", "two"], 2]);
});

test("a gap in the log breaks the connection off and resumes from before it", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear(message(1, "one"), message(3, "three"));
  assert.equal(bench.machine.view.phase, "waiting");
  const [hello] = bench.take({ t: "timer", name: "connect" }, { t: "open" });
  assert.equal(hello?.type === "hello" && hello.cursor, 1);
});

test("an event of a later protocol moves the cursor and nothing else", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "later", seq: 1 }, message(2, "two"));
  assert.deepEqual([bench.texts(), bench.saved.cursor], [["two"], 2]);
});

test("deltas grow an answer and the stored message takes its place", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "run", seq: 1, run_id: "r", state: "thinking" }, { type: "d", r: "r", o: 0, x: "Hel" }, { type: "d", r: "r", o: 3, x: "lo" });
  assert.deepEqual([bench.texts(), bench.states()], [["Hello"], ["streaming"]]);
  const key = bench.machine.view.items[0]?.key;
  bench.hear(message(2, "Hello.", { run_id: "r" }), { type: "run", seq: 3, run_id: "r", state: "done" }, { type: "d", r: "r", o: 5, x: "late" });
  assert.deepEqual([bench.texts(), bench.machine.view.items[0]?.key], [["Hello."], key]);
});

test("a run that starts over after a crash starts its text over", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "d", r: "r", o: 0, x: "The first" }, { type: "d", r: "r", o: 0, x: "Sec" }, { type: "d", r: "r", o: 3, x: "ond" });
  assert.deepEqual(bench.texts(), ["Second"]);
});

test("a delta whose forerunner is missing is not glued to the wrong place", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "d", r: "r", o: 0, x: "abc" }, { type: "d", r: "r", o: 9, x: "xyz" });
  assert.deepEqual(bench.texts(), ["abc"]);
});

test("after a reload the past comes by history and the answer on its way by one delta", () => {
  const bench = new Bench({ cursor: 2, session_id: "s1", epoch: "e1", token: "visitor" });
  assert.deepEqual(bench.connect({ head: 3, resumed: true }), [{ type: "history", before: 3, limit: 50 }]);
  bench.hear({ type: "run", seq: 3, run_id: "r", state: "streaming" }, { type: "d", r: "r", o: 0, x: "so far" });
  bench.hear({ type: "history", messages: [message(1, "question", { role: "user" }), message(2, "old answer")] });
  assert.deepEqual(bench.texts(), ["question", "old answer", "so far"]);
});

test("reset loads the conversation afresh and keeps what was not sent", () => {
  const bench = new Bench({ cursor: 40, session_id: "s1", epoch: "e0", token: "visitor" }, [entry("a", 1)]);
  const frames = bench.connect({ head: 5, epoch: "e1" });
  assert.deepEqual(frames[0], { type: "history", before: 6, limit: 50 });
  bench.hear({ type: "reset", reason: "epoch" }, { type: "history", messages: [message(5, "kept")] }, message(6, "next"));
  assert.deepEqual([bench.texts(), bench.saved.cursor, bench.saved.epoch], [["kept", "next", "text of a"], 6, "e1"]);
});

test("a final nack leaves the message with a retry, one to be tried again waits and keeps its place", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) }, { t: "send", entry: entry("b", 2) });
  bench.hear({ type: "nack", id: "a", code: "rate", message: "slow down", retry_after: 2 });
  assert.equal(bench.timer("ack"), 2000);
  assert.deepEqual(bench.take({ t: "timer", name: "ack" }).map((frame) => frame.type === "send" && frame.id), ["a"]);
  const next = bench.hear({ type: "nack", id: "a", code: "blocked", message: "not this" });
  assert.deepEqual(next.map((frame) => frame.type === "send" && frame.id), ["b"]);
  assert.deepEqual([bench.states(), bench.machine.view.items[0]?.error], [["failed", "sending"], "not this"]);
  bench.hear({ type: "ack", id: "b", seq: 1, message_id: "m1" });
  assert.deepEqual(bench.take({ t: "retry", id: "a" }).map((frame) => frame.type === "send" && frame.id), ["a"]);
});

test("a conflict is retried under a new id", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) });
  bench.hear({ type: "nack", id: "a", code: "conflict", message: "" });
  assert.deepEqual(bench.take({ t: "retry", id: "a" }), [{ type: "send", id: "id1", text: "text of a" }]);
});

test("an ack that is overdue sends the message again", () => {
  const bench = new Bench();
  bench.connect();
  bench.take({ t: "send", entry: entry("a", 1) });
  assert.deepEqual(bench.take({ t: "timer", name: "ack" }), [{ type: "send", id: "a", text: "text of a" }]);
});

test("stop names every run that is on", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "run", seq: 1, run_id: "r", state: "thinking" });
  assert.deepEqual(bench.take({ t: "stop" }), [{ type: "stop", run_id: "r" }]);
});

test("a refusal stops the client until the person asks", () => {
  const bench = new Bench();
  bench.take({ t: "start" }, { t: "open" });
  bench.hear({ type: "error", code: "site", message: "No such site.", fatal: true });
  bench.take({ t: "closed", code: 4403 }, { t: "wake" }, { t: "start" });
  assert.deepEqual([bench.machine.view.phase, bench.machine.view.notice], ["stopped", { code: "site", detail: "No such site." }]);
  bench.take({ t: "start", fresh: true });
  assert.equal(bench.machine.view.phase, "connecting");
});

test("on 4401 the page is asked once for a token; a second refusal stops", () => {
  const bench = new Bench({ cursor: 0, sub: "u" }, [], { token: "old" });
  bench.take({ t: "start" }, { t: "open" }, { t: "closed", code: 4401 });
  assert.ok(bench.effects.some((effect) => effect.do === "ask-token"));
  const [hello] = bench.take({ t: "token", token: "fresh" }, { t: "open" });
  assert.equal(hello?.type === "hello" && hello.token, "fresh");
  bench.take({ t: "closed", code: 4401 });
  assert.deepEqual([bench.machine.view.phase, bench.machine.view.notice?.code], ["stopped", "4401"]);
});

test("a visitor who signs in is identified on the conversation they began", () => {
  const bench = new Bench({ cursor: 3, session_id: "s1", token: "visitor" }, [], { token: "signed" });
  const [hello] = bench.take({ t: "start" }, { t: "open" });
  assert.equal(hello?.type === "hello" && hello.token, "visitor");
  const frames = bench.hear(welcome({ head: 3, resumed: true, epoch: "e1" }));
  assert.deepEqual(frames.find((frame) => frame.type === "identify"), { type: "identify", id: "id1", token: "signed" });
  bench.hear({ type: "identified", user_id: "known", merged_from: "me" });
  assert.deepEqual([bench.machine.view.me?.id, bench.machine.view.formerly, bench.saved.token], ["known", ["me"], undefined]);
});

test("earlier messages are asked for once, however often the button is pressed", () => {
  const bench = new Bench({ cursor: 90, session_id: "s1", epoch: "e1", token: "visitor" });
  bench.connect({ head: 90, resumed: true });
  bench.hear({ type: "history", messages: [message(60, "oldest here")], has_more: true });
  assert.deepEqual(bench.take({ t: "older" }, { t: "older" }), [{ type: "history", before: 60, limit: 50 }]);
});

test("history that a cut kept from coming is asked for again", () => {
  const bench = new Bench({ cursor: 9, session_id: "s1", epoch: "e1", token: "visitor" });
  assert.deepEqual(bench.connect({ head: 9, resumed: true }), [{ type: "history", before: 10, limit: 50 }]);
  bench.hear(message(10, "news"));
  bench.take({ t: "closed", code: 1006 }, { t: "timer", name: "connect" }, { t: "open" });
  assert.deepEqual(bench.hear(welcome({ head: 10, resumed: true })), [{ type: "history", before: 10, limit: 50 }]);
  bench.hear({ type: "history", messages: [message(9, "old")] });
  assert.deepEqual(bench.texts(), ["old", "news"]);
});

test("a run that ends without a word leaves nothing behind: its message was answered together with another", () => {
  const bench = new Bench();
  bench.connect();
  bench.hear({ type: "run", seq: 1, run_id: "r1", state: "thinking" }, { type: "run", seq: 2, run_id: "r2", state: "queued" });
  bench.hear(message(3, "both", { run_id: "r1" }), { type: "run", seq: 4, run_id: "r1", state: "done" }, { type: "run", seq: 5, run_id: "r2", state: "done" });
  assert.deepEqual(bench.texts(), ["both"]);
});
