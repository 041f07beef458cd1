import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../src/events";
import { parseFrame } from "../src/frames";
import { Receiver, Sender } from "../src/mirror";
import { pathFor } from "../src/policy";
import { claimsOf, readSaved } from "../src/saved";
import { mergeDelta } from "../src/transcript";
import { nextSentences, plain } from "../src/ui/announce";
import { uuid } from "../src/uuid";
import { Bench, message } from "./harness";

test("a frame that lacks what it needs is not believed", () => {
  const bad = ["", "null", "[]", "7", '"x"', "{", "{}", '{"type":7}', '{"type":"d","r":"x","o":"0","x":""}', '{"type":"message","seq":1,"id":"m","role":"user","text":"x","author":null}',
    '{"type":"history"}', '{"type":"toString"}', '{"type":"__proto__"}', '{"type":"novelty"}'];
  assert.deepEqual(bad.map(parseFrame), bad.map(() => undefined));
  assert.deepEqual(parseFrame('{"type":"novelty","seq":4}'), { type: "later", seq: 4 });
  assert.deepEqual(parseFrame('{"type":"hb","n":1}'), { type: "hb", n: 1 });
});

test("deltas merge by their offset in UTF-16 units", () => {
  assert.equal(mergeDelta("a😀", 3, "b"), "a😀b");
  assert.equal(mergeDelta("abc", 1, "bc"), "abc");
  assert.equal(mergeDelta("abc", 2, "xyz"), "abxyz");
  assert.equal(mergeDelta("abc", 0, "new"), "new");
  assert.equal(mergeDelta("abc", 4, "x"), undefined);
});

test("sentences are announced whole, in any script, each once", () => {
  assert.deepEqual(nextSentences("One. Two", 0), { said: "One.", to: 4 });
  assert.deepEqual(nextSentences("One. Two. ", 4), { said: "Two.", to: 9 });
  assert.deepEqual(nextSentences("v1.2 is out", 0), { said: "", to: 0 });
  assert.deepEqual(nextSentences("はい。いいえ", 0), { said: "はい。", to: 3 });
  assert.deepEqual(nextSentences("- item\n- next", 0), { said: "item", to: 7 });
});

test("marks of Markdown are not read out", () => {
  assert.equal(plain("## **Bold** [label](https://x.example) `code`"), "Bold label code");
});

test("the other tabs see what the leading one sees, from what changed alone", () => {
  const bench = new Bench();
  const sender = new Sender();
  const receiver = new Receiver();
  bench.connect();
  bench.hear(message(1, "one"), { type: "d", r: "r", o: 0, x: "tw" });
  assert.deepEqual(receiver.view(sender.patch(bench.machine.view)), bench.machine.view);
  bench.hear({ type: "d", r: "r", o: 2, x: "o" });
  const patch = sender.patch(bench.machine.view);
  assert.deepEqual(patch.items.map((item) => item.text), ["two"]);
  assert.deepEqual(receiver.view(patch), bench.machine.view);
});

test("a tab that missed a patch asks for everything", () => {
  const bench = new Bench();
  const sender = new Sender();
  bench.connect();
  bench.hear(message(1, "one"));
  sender.patch(bench.machine.view);
  bench.hear(message(2, "two"));
  assert.equal(new Receiver().view(sender.patch(bench.machine.view)), undefined);
  sender.forget();
  assert.deepEqual(new Receiver().view(sender.patch(bench.machine.view))?.items.length, 2);
});

test("server-sent events are read however they are cut", () => {
  const stream = 'id: 1\r\ndata: {"a":1}\r\n\r\n: comment\n\ndata: {"b":2}\n\nevent: close\ndata: {"code":1012}\n\n';
  for (const size of [1, 3, 7, 200]) {
    const reader = new EventReader();
    const events = [];
    for (let at = 0; at < stream.length; at += size) events.push(...reader.push(stream.slice(at, at + size)));
    assert.deepEqual(events.map(({ isClose, data }) => [isClose, data.trim()]), [[false, '{"a":1}'], [false, '{"b":2}'], [true, '{"code":1012}']]);
  }
});

test("only after three tries without a welcome do events take turns with the websocket", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(pathFor), ["socket", "socket", "socket", "events", "socket", "events"]);
});

test("what storage holds is not trusted", () => {
  for (const text of [undefined, "", "null", "[]", "{", '{"cursor":"7"}', '{"cursor":1.5}']) assert.deepEqual(readSaved(text), { cursor: 0 });
  assert.deepEqual(readSaved('{"cursor":7,"session_id":"s"}'), { cursor: 7, session_id: "s" });
  assert.deepEqual([claimsOf(undefined), claimsOf("x"), claimsOf("a.b.c")], [{}, {}, {}]);
  assert.equal(claimsOf(`x.${btoa('{"sub":"u-1","exp":9}')}.y`).sub, "u-1");
});

test("without a secure context ids are uuids too", () => {
  const form = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
  assert.match(uuid(), form);
  const real = crypto.randomUUID.bind(crypto);
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  try {
    assert.match(uuid(), form);
  } finally {
    Object.defineProperty(crypto, "randomUUID", { value: real, configurable: true });
  }
});
