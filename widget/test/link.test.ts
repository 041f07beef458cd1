import assert from "node:assert/strict";
import { test } from "node:test";
import { Link, type LinkEffect } from "../src/link";
import { backoff, silenceMs, verdictOf } from "../src/policy";

const wait = (effects: LinkEffect[]): number | undefined => {
  const timer = effects.find((effect) => effect.do === "timer" && effect.name === "connect");
  return timer?.do === "timer" ? timer.ms : undefined;
};
const ready = (random = () => 0.999): Link => {
  const link = new Link(random);
  link.start();
  link.opened();
  link.welcomed(25);
  link.heard();
  return link;
};

test("the first try comes within 120 ms, later ones double to 30 s with full jitter", () => {
  const most = Array.from({ length: 9 }, (_, attempt) => Math.round(backoff(attempt, () => 1)));
  assert.deepEqual(most, [100, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  assert.equal(backoff(5, () => 0), 0);
});

test("each close code means what the protocol says", () => {
  const stops = [4400, 4403, 4404, 4409, 4410, 4426, 1008];
  const resumes = [1001, 1006, 1011, 1012, 4008, 4009];
  assert.ok(stops.every((code) => verdictOf(code) === "stop"));
  assert.ok(resumes.every((code) => verdictOf(code) === "resume"));
  assert.deepEqual([verdictOf(4401), verdictOf(4013), verdictOf(4029)], ["token", "slow", "slow"]);
});

test("silence over two heartbeats counts as dead within 50 s", () => {
  assert.equal(silenceMs(25), 48_000);
});

test("a cut of a living connection is followed by a quick try, and further ones by longer waits", () => {
  const link = ready();
  assert.ok((wait(link.closed(1006)) ?? Infinity) <= 120);
  link.start();
  assert.ok((wait(link.closed(1006)) ?? 0) > 400);
  link.start();
  assert.ok((wait(link.closed(1006)) ?? 0) > 900);
});

test("a server that welcomes and dies does not reset the back-off", () => {
  const link = new Link(() => 0.999);
  const waits = [0, 1, 2].map(() => {
    link.start();
    link.opened();
    link.welcomed(25);
    return wait(link.closed(1006)) ?? 0;
  });
  assert.ok(waits[0]! < 120 && waits[1]! > 400 && waits[2]! > 900);
});

test("a rate or slow-consumer close is not answered by a quick try", () => {
  assert.ok((wait(ready().closed(4029)) ?? 0) > 400);
});

test("after bye nobody comes back before the time the server gave", () => {
  const link = ready(() => 0);
  link.bye(1500);
  assert.equal(wait(link.closed(1012)), 1500);
});

test("waking tries at once when waiting, and asks a ready connection to answer", () => {
  const link = ready();
  assert.deepEqual(link.wake().map((effect) => effect.do), ["ping", "timer"]);
  link.closed(1006);
  assert.ok(link.wake().some((effect) => effect.do === "connect"));
});

test("a stopped link does not wake", () => {
  const link = ready();
  link.closed(4410);
  assert.deepEqual([link.wake(), link.start(), link.phase], [[], [], "stopped"]);
});
