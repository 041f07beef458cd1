// The wire to the app: how it is reached, what is broken on purpose, what went back and forth.

import { el, fill } from "./dom.js";

const KINDS = [
  ["drop_answer", "done, answer lost"],
  ["cut", "connection cut"],
  ["rate_limit", "429"],
  ["server_error", "500"],
  ["refuse", "unknown_method"],
  ["delay", "2 s late"],
];
const METHODS = ["chat.postMessage", "chat.startStream", "chat.appendStream", "chat.stopStream", "chat.update", "agents.sessions.setStatus", "users.info", "views.publish", "chat.*", "*"];

export function lamp(wire) {
  if (wire.url) return [wire.is_heard ? "good" : "bad", wire.is_heard ? "The app answers" : "The app does not answer"];
  return [wire.sockets ? "good" : "bad", wire.sockets ? `${wire.sockets} socket${wire.sockets > 1 ? "s" : ""}` : "The app is not connected"];
}

function log(title, entries) {
  const lines = entries.slice().reverse().map((entry) =>
    el(
      "li",
      { class: entry.is_good ? "" : "bad" },
      el("span", { class: "what" }, entry.what, entry.attempt ? el("span", { class: "context" }, ` retry ${entry.attempt}`) : null),
      el("span", { class: "note" }, entry.note),
    ),
  );
  return [el("h3", {}, title), lines.length ? el("ol", { class: "log" }, lines) : el("p", { class: "context" }, "Nothing yet.")];
}

function choice(id, label, pairs) {
  return el("select", { id, "aria-label": label }, pairs.map(([value, text]) => el("option", { value }, text)));
}

function faultForm(act) {
  const kind = choice("fault-kind", "What happens", KINDS);
  const method = choice("fault-method", "To which method", METHODS.map((name) => [name, name]));
  const times = choice("fault-times", "How often", [["1", "once"], ["3", "three times"], ["0", "always"]]);
  const add = () => act("fault", { kind: kind.value, method: method.value, times: Number(times.value) });
  return el("div", { class: "fault-form" }, method, kind, times, el("button", { type: "button", class: "block-button", onclick: add }, "Break"));
}

function wireButtons(wire, act) {
  const toggle = (what, label, isOn) =>
    el("button", { type: "button", class: `block-button ${isOn ? "on" : ""}`, "aria-pressed": String(isOn), onclick: () => act("wire", { what }) }, label);
  const once = (what, label) => el("button", { type: "button", class: "block-button", onclick: () => act("wire", { what }) }, label);
  return [
    el("h3", {}, "Events"),
    el("div", { class: "actions" }, toggle("duplicate", "Duplicate", wire.events.copies[1] > 1), toggle("shuffle", "Reorder", wire.events.shuffle > 1), toggle("hold", "Hold back", wire.events.is_held)),
    el("h3", {}, wire.url ? "Streams" : "Sockets and streams"),
    el("div", { class: "actions" }, wire.url ? null : [once("cut", "Cut"), once("freeze", "Freeze"), once("refresh", "Ask to reconnect")], once("expire", "Expire streams")),
  ];
}

/** Built once per shape, so that a choice that is being made is not undone by news. */
export function renderWire(node, wire, act, close) {
  if (!node.childElementCount) {
    node.append(
      el("header", {}, el("h2", {}, "Wire and faults"), el("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: close }, "✕")),
      el("div", { class: "list" }, el("p", { id: "wire-way", class: "context" }), el("h3", {}, "Break calls of the Web API"), faultForm(act), el("ul", { id: "wire-faults", class: "log" }), el("div", { id: "wire-buttons" }), el("button", { type: "button", class: "block-button primary", onclick: () => act("wire", { what: "mend" }) }, "Mend everything"), el("div", { id: "wire-log" })),
    );
  }
  const find = (id) => node.querySelector(`#${id}`);
  const hint = lamp(wire)[0] === "bad" ? " Start Parley with the lines that the command printed." : "";
  find("wire-way").textContent = (wire.url ? `Signed posts to ${wire.url}.` : `Socket Mode, ${wire.sockets} connected.`) + hint;
  fill(find("wire-faults"), wire.faults.map((f) => el("li", { class: "bad" }, el("span", { class: "what" }, f.method), el("span", { class: "note" }, `${f.kind}${f.times ? ` ×${f.times}` : ""}`))));
  const sign = JSON.stringify([wire.events, Boolean(wire.url)]);
  if (find("wire-buttons").dataset.sign !== sign) {
    find("wire-buttons").replaceChildren(...wireButtons(wire, act));
    find("wire-buttons").dataset.sign = sign;
  }
  fill(find("wire-log"), [...log("Events to the app", wire.deliveries), ...log("Calls by the app", wire.calls)]);
}
