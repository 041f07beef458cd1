// Rows of messages.

import { clock, el } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { render } from "./text.js";

const TEXT_BLOCKS = new Set(["markdown", "section", "rich_text", "header"]);

function lastTasks(tasks) {
  const cards = new Map();
  for (const task of tasks) cards.set(task.id, { ...cards.get(task.id), ...task, type: "task_card" });
  return [...cards.values()];
}

function body(message, press, users) {
  const hasText = message.blocks.some((block) => TEXT_BLOCKS.has(block.type));
  const text = hasText ? [] : render(message.text, users);
  return el("div", { class: `body ${message.subtype === "me_message" ? "me" : ""}` }, [
    ...renderBlocks(lastTasks(message.tasks), press, users),
    ...text,
    ...renderBlocks(message.blocks, press, users),
    message.stream === "in_progress" ? el("span", { class: "caret", title: "streaming" }) : null,
    message.stream === "expired" ? el("p", { class: "broken" }, "This stream ran out of time.") : null,
    message.stream === "stopped" ? el("p", { class: "context" }, "Stopped.") : null,
  ]);
}

function tools(message, page) {
  if (message.subtype === "tombstone") return null;
  const isMine = message.user === page.state.me;
  const tool = (label, text, act) => el("button", { type: "button", class: "quiet", title: label, "aria-label": label, onclick: act }, text);
  return el("div", { class: "tools" }, [
    tool("React with +1", "+1", () => page.act("react", { ts: message.ts })),
    page.isThread ? null : tool("Reply in thread", "↩", () => page.openThread(message.thread_ts ?? message.ts)),
    ...page.state.app.shortcuts.map(([id, label]) => tool(label, "✦", () => page.act("shortcut", { ts: message.ts, callback_id: id }))),
    isMine ? tool("Edit", "✎", () => page.edit(message)) : null,
    isMine ? tool("Delete", "✕", () => page.act("delete", { ts: message.ts })) : null,
  ]);
}

function footer(message, page) {
  const parts = Object.entries(message.reactions).map(([name, count]) => el("span", { class: "reaction" }, `${name} × ${count}`));
  const count = page.replies(message.ts);
  const session = page.state.sessions?.[message.ts];
  if (count && !page.isThread) {
    parts.push(
      el("button", { type: "button", class: "thread-link", onclick: () => page.openThread(message.ts) }, `${count} ${count === 1 ? "reply" : "replies"}`),
    );
  }
  if (!page.isThread && session?.status === "processing") parts.push(el("span", { class: "context working" }, "working"));
  return parts.length ? el("div", { class: "below" }, parts) : null;
}

function row(message, page) {
  const press = (action_id, value) => page.act("click", { ts: message.ts, action_id, value });
  return el(
    "article",
    { class: `message ${message.is_bot ? "bot" : ""}` },
    el("span", { class: "avatar", "aria-hidden": "true" }, message.name.slice(0, 1)),
    el(
      "div",
      { class: "content" },
      el("p", { class: "by" }, el("strong", {}, message.name), message.is_bot ? el("span", { class: "tag" }, "app") : null, el("time", {}, clock(message.ts)), message.is_edited ? el("span", { class: "context" }, "edited") : null),
      body(message, press, page.state.users),
      message.files.map((name) => el("p", { class: "context" }, `File: ${name}`)),
      footer(message, page),
    ),
    tools(message, page),
  );
}

function ephemeralRow(shown, page) {
  const press = (action_id, value) => page.act("click", { ts: shown.ts, action_id, value });
  return el(
    "article",
    { class: "message ephemeral" },
    el("span", { class: "avatar", "aria-hidden": "true" }, "◌"),
    el("div", { class: "content" }, el("p", { class: "context" }, "Only visible to you"), shown.blocks.length ? renderBlocks(shown.blocks, press, page.state.users) : render(shown.text, page.state.users)),
  );
}

/** Rows for `fillRows`: key, what it depends on, and how to build it. */
export function rows(messages, ephemerals, page) {
  const shown = [
    ...messages.map((m) => [m.ts, JSON.stringify([m, page.replies(m.ts), page.state.sessions?.[m.ts], page.state.me]), () => row(m, page)]),
    ...ephemerals.map((e) => [`e${e.ts}`, JSON.stringify(e), () => ephemeralRow(e, page)]),
  ];
  return shown.sort((a, b) => Number(a[0].replace("e", "")) - Number(b[0].replace("e", "")));
}
