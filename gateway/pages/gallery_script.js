// What the scripted gateway of the gallery says in each state.
"use strict";
window.gallery = (() => {
  const at = (minute) => new Date(Date.UTC(2026, 4, 4, 9, minute)).toISOString();
  const me = { id: "me", name: null };
  const agent = { id: "", name: "Assistant" };
  let seq = 0;
  const say = (role, author, text, more = {}) => ({ type: "message", seq: ++seq, id: `m${seq}`, role, author, text, at: at(seq), ...more });
  const mine = (text, more) => say("user", me, text, more);
  const answer = (text, more) => say("assistant", agent, text, more);
  const run = (state, label) => ({ type: "run", seq: ++seq, run_id: "r", state, label });
  const config = {
    title: "Bicycle help", subtitle: "We answer in seconds", greeting: "Hello! Ask me anything about your bicycle.",
    starters: [{ label: "My chain slips" }, { label: "Which lights do I need?" }, { label: "Where is my order?" }],
    features: ["sessions", "feedback", "memories", "forget", "attachments"],
    upload: { url: "/nowhere?", max_bytes: 5242880, max_files: 4, accept: [] },
  };
  const long = [
    "A chain slips when it is **worn**, or when the gear is not *quite* in place. Check in this order:", "",
    "1. Measure the chain with a gauge: above `0.75 %` it is due.", "2. Look at the cable for rust.", "3. Turn the barrel adjuster, a quarter turn each time.", "",
    "| part | price | fits |", "|---|---:|---|", "| chain, 11 speed | 29 € | yes |", "| cassette | 54 € | yes |", "",
    "```bash", "parley serve --port 8080", "```", "", "> More in [the workshop's guide](https://www.example.com/guide).",
  ].join("\n");
  const talk = () => [mine("My chain slips under load. What can I do?"), answer(long)];
  const states = {
    closed: () => [],
    unread: () => [mine("Is my order there?"), answer("It left our workshop this morning."), answer("You get a message when it arrives.")],
    open: () => [],
    streaming: () => [mine("My chain slips under load. What can I do?"), run("thinking"), { type: "d", r: "r", o: 0, x: long.slice(0, 150) }],
    answer: talk,
    error: () => [mine("Hello?"), answer("Hello! What is it about?")],
    offline: () => [mine("Hello?"), answer("Hello! What is it about?")],
    stopped: () => [],
    past: talk,
    files: () => [
      mine("Is this the right lamp?", { attachments: [{ id: "f1", name: "lamp.jpg", type: "image/jpeg", size: 1, url: "/nowhere" }, { id: "f2", name: "invoice.pdf", type: "application/pdf", size: 1, url: "/nowhere" }] }),
      answer("I can read the names, not the pictures: please tell me the number on the **back** of the lamp."),
    ],
    people: () => [
      mine("Can somebody look at ticket 42?"), say("user", { id: "ben", name: "Ben" }, "I had the same last week."), answer("Ben, what solved it for you?"),
      { type: "presence", who: { id: "ben", name: "Ben" }, state: "typing", role: "user" },
    ],
    handoff: () => [
      mine("I would rather talk to a person."), answer("Of course. One moment."), { type: "handoff", seq: ++seq, mode: "human" },
      say("human", { id: "olga", name: "Olga" }, "Hello, I am **Olga** from the workshop. How can I help?"),
    ],
  };
  const sessions = [
    { session_id: "web:now", title: "Chain slips under load", updated_at: at(9) }, { session_id: "web:1", title: "Lights for winter", updated_at: at(3) },
    { session_id: "web:2", title: "An order that did not come", updated_at: at(1) },
  ];
  const memories = [{ memory_id: "1", memory: "Rides a touring bicycle with 11 gears" }, { memory_id: "2", memory: "Lives in Lisbon" }];
  return { config, states, sessions, memories, me };
})();
