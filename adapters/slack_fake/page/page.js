// One look at the workspace after every change, and acts sent back.

import { byId, el, fill, fillRows } from "./dom.js";
import { renderBlocks, valuesOf } from "./blocks.js";
import { placeOf } from "./links.js";
import { rows } from "./messages.js";
import { lamp, renderWire } from "./panels.js";

const page = {
  state: null,
  user: new URLSearchParams(location.search).get("user") ?? sessionStorage.getItem("user") ?? "",
  channel: "",
  thread: null,
  isHome: false,
  isThread: false,
  editing: null,
  seen: {},
  act,
  openThread,
  edit,
  replies: (ts) => page.state.messages.filter((m) => m.thread_ts === ts && m.ts !== ts).length,
};

async function act(name, more = {}) {
  const answer = await fetch("/page/act", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ act: name, user: page.user, channel: page.channel, ...more }),
  });
  const shown = await answer.json();
  if (!answer.ok) toast(shown.error);
  return answer.ok ? shown : null;
}

let toastTimer = 0;
function toast(text) {
  byId("toast").textContent = text;
  byId("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (byId("toast").hidden = true), 4000);
}

let isLooking = false;
let isStale = false;
async function look() {
  if (isLooking) {
    isStale = true;
    return;
  }
  isLooking = true;
  try {
    const place = new URLSearchParams({ user: page.user, channel: page.channel });
    const answer = await fetch(`/page/state?${place}`);
    page.state = await answer.json();
    page.user = page.state.me;
    if (!page.channel) page.channel = page.state.channels[0]?.id ?? "";
    if (page.state.channel === page.channel) show();
    else isStale = true;
  } catch {
    byId("lamp").className = "lamp bad";
    byId("lamp-text").textContent = "The fake Slack is gone";
  }
  isLooking = false;
  if (isStale) {
    isStale = false;
    look();
  }
}

function show() {
  const { state } = page;
  byId("team").textContent = state.team;
  fill(byId("people"), state.people.map((id) => el("button", { type: "button", class: "person", "aria-pressed": String(id === state.me), "data-user": id }, state.users[id].name)));
  showPlaces();
  const [tone, text] = lamp(state.wire);
  byId("lamp").className = `lamp ${tone}`;
  byId("lamp-text").textContent = text;
  if (page.isHome) showHome();
  else showChannel();
  showThread();
  showModal();
  if (!byId("wire").hidden) renderWire(byId("wire"), state.wire, act, toggleWire);
}

/** Whether something was said there since this person looked; what was there at first is not new. */
function isNew(channel) {
  const key = `${page.user} ${channel.id}`;
  if (channel.id === page.channel && !page.isHome) page.seen[key] = channel.latest;
  page.seen[key] ??= channel.latest;
  return channel.latest > page.seen[key];
}

function showPlaces() {
  const { channels, app } = page.state;
  const entry = (c, sign) =>
    el("button", { type: "button", class: isNew(c) ? "place unread" : "place", "aria-current": !page.isHome && c.id === page.channel ? "page" : null, "data-channel": c.id }, el("span", { class: "sign", "aria-hidden": "true" }, sign), c.name);
  const of = (...kinds) => channels.filter((c) => kinds.includes(c.kind));
  fill(byId("places"), [
    el("h2", {}, "Channels"),
    ...of("channel").map((c) => entry(c, "#")),
    ...of("group").map((c) => entry(c, "◆")),
    el("h2", {}, "Direct messages"),
    ...of("im", "mpim").map((c) => entry(c, "@")),
    el("h2", {}, "Apps"),
    el("button", { type: "button", class: "place", "data-home": "1", "aria-current": page.isHome ? "page" : null }, el("span", { class: "sign" }, "⌂"), `${app.name}: Home`),
  ]);
}

function atEnd(node) {
  return node.scrollHeight - node.scrollTop - node.clientHeight < 80;
}

function showRows(node, messages, ephemerals, isThread) {
  const wasAtEnd = atEnd(node);
  page.isThread = isThread;
  const view = { ...page, isThread };
  if (fillRows(node, rows(messages, ephemerals, view)) && wasAtEnd) node.scrollTop = node.scrollHeight;
}

function showChannel() {
  const { state } = page;
  const channel = state.channels.find((c) => c.id === page.channel);
  if (!channel) return;
  const sign = { channel: "# ", group: "◆ " }[channel.kind] ?? "";
  byId("title").textContent = sign + channel.name;
  byId("about").textContent = channel.has_bot ? `${channel.members} members` : `${channel.members} members, ${state.app.name} is not one of them`;
  byId("composer").hidden = false;
  byId("draft").placeholder = channel.kind === "im" ? `Message ${channel.name}` : `Message ${sign.trim()}${channel.name}: @${state.app.name} calls the app`;
  byId("list").dataset.kind = "channel";
  const top = state.messages.filter((m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast");
  showRows(byId("list"), top, state.ephemerals.filter((e) => !e.thread_ts), false);
  fill(byId("prompts"), state.prompts.map((prompt) => el("button", { type: "button", class: "prompt", "data-prompt": prompt.message }, prompt.title)));
}

function showHome() {
  const { home, app, users } = page.state;
  byId("title").textContent = `${app.name}: Home`;
  byId("about").textContent = "What the app shows to you alone";
  byId("composer").hidden = true;
  byId("prompts").replaceChildren();
  const list = byId("list");
  const sign = JSON.stringify(home);
  if (list.dataset.kind === "home" && list.dataset.sign === sign) return;
  const press = (action_id, value) => act("click", { view: home.view_id, action_id, value });
  list.dataset.kind = "home";
  list.dataset.sign = sign;
  list.replaceChildren(
    el("div", { class: "home" }, home ? renderBlocks(home.blocks, press, users) : el("p", { class: "context" }, "The app has published nothing here yet.")),
  );
}

function showThread() {
  const panel = byId("thread");
  const root = page.thread && page.state.messages.find((m) => m.ts === page.thread);
  panel.hidden = !root || page.isHome;
  document.body.classList.toggle("has-thread", !panel.hidden);
  if (panel.hidden) return;
  const session = page.state.sessions[page.thread];
  const isWorking = session?.status === "processing" || Boolean(session?.line);
  byId("status").hidden = !session || (!isWorking && session.status === "active" && !session.title);
  fill(byId("status"), [
    el("span", { class: isWorking ? "working" : "" }, session?.line || (isWorking ? `${page.state.app.name} is working…` : [session?.title, session?.status].filter(Boolean).join(" · "))),
    session?.status === "processing" ? el("button", { type: "button", class: "block-button", "data-stop": page.thread }, "Stop") : null,
  ]);
  const replies = page.state.messages.filter((m) => m.thread_ts === page.thread && m.ts !== page.thread);
  showRows(byId("replies"), [root, ...replies], page.state.ephemerals.filter((e) => e.thread_ts === page.thread), true);
}

function showModal() {
  const modal = page.state.modals.at(-1);
  const dialog = byId("modal");
  if (!modal) {
    if (dialog.open) dialog.close();
    return;
  }
  const sign = JSON.stringify([modal.view_id, modal.blocks]);
  if (dialog.open && dialog.dataset.sign === sign) return;
  dialog.dataset.sign = sign;
  const press = (action_id, value) => act("click", { view: modal.view_id, action_id, value });
  const send = async (event) => {
    event.preventDefault();
    const shown = await act("submit", { view: modal.view_id, values: valuesOf(event.target) });
    for (const slot of dialog.querySelectorAll("[data-error]")) slot.textContent = shown?.errors?.[slot.dataset.error] ?? "";
  };
  dialog.replaceChildren(
    el("form", { onsubmit: send }, [
      el("h2", {}, modal.title.text),
      ...renderBlocks(modal.blocks, press, page.state.users),
      el("div", { class: "row" }, [
        el("button", { type: "button", class: "block-button", onclick: () => act("close", { view: modal.view_id }) }, modal.close?.text ?? "Cancel"),
        modal.submit ? el("button", { type: "submit", class: "send" }, modal.submit.text) : null,
      ]),
    ]),
  );
  if (!dialog.open) dialog.showModal();
}

function openThread(ts) {
  page.thread = ts;
  show();
  byId("replies").scrollTop = byId("replies").scrollHeight;
  byId("reply-draft").focus();
}

function edit(message) {
  const draft = page.thread && !byId("thread").hidden && message.thread_ts ? byId("reply-draft") : byId("draft");
  page.editing = message.ts;
  draft.value = message.text.replace(/<@([A-Z0-9]+)>/g, (_, id) => `@${page.state.users[id]?.name ?? id}`);
  draft.focus();
  toast("Change the text and send it; Escape leaves it as it was.");
}

async function send(draft, thread_ts, is_broadcast = false) {
  const text = draft.value.trim();
  if (!text) return;
  const shown = page.editing
    ? await act("edit", { ts: page.editing, text })
    : await act("say", { text, thread_ts, is_broadcast });
  if (shown) {
    draft.value = "";
    page.editing = null;
    byId("list").scrollTop = byId("list").scrollHeight;
  }
}

function toggleWire() {
  byId("wire").hidden = !byId("wire").hidden;
  byId("wire-button").setAttribute("aria-expanded", String(!byId("wire").hidden));
  document.body.classList.toggle("has-wire", !byId("wire").hidden);
  if (page.state) show();
}

function wireUp() {
  byId("people").addEventListener("click", (event) => {
    const id = event.target.dataset.user;
    if (!id) return;
    page.user = id;
    page.thread = null;
    page.channel = "";
    sessionStorage.setItem("user", id);
    byId("list").replaceChildren();
    look();
  });
  byId("places").addEventListener("click", (event) => {
    const place = event.target.closest("button");
    if (!place) return;
    page.thread = null;
    page.isHome = Boolean(place.dataset.home);
    byId("list").replaceChildren();
    byId("list").dataset.kind = "";
    if (page.isHome) act("open_home", { tab: "home" });
    else {
      page.channel = place.dataset.channel;
      const kind = page.state.channels.find((c) => c.id === page.channel);
      if (kind?.kind === "im" && kind.has_bot) act("open_home", { tab: "messages" });
    }
    look();
  });
  document.addEventListener("click", (event) => {
    const place = event.target.closest?.("a") && placeOf(event.target.closest("a").href);
    if (!place) return;
    event.preventDefault();
    page.isHome = false;
    page.channel = place.channel;
    page.thread = place.ts;
    byId("list").replaceChildren();
    look();
  });
  byId("prompts").addEventListener("click", (event) => {
    if (event.target.dataset.prompt) act("say", { text: event.target.dataset.prompt });
  });
  byId("status").addEventListener("click", (event) => {
    if (event.target.dataset.stop) act("stop", { thread_ts: event.target.dataset.stop });
  });
  byId("thread-close").addEventListener("click", () => {
    page.thread = null;
    show();
  });
  byId("wire-button").addEventListener("click", toggleWire);
  byId("modal").addEventListener("cancel", () => act("close", { view: page.state.modals.at(-1)?.view_id }));
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(byId("draft"));
  });
  byId("reply").addEventListener("submit", (event) => {
    event.preventDefault();
    send(byId("reply-draft"), page.thread, byId("broadcast").checked);
    byId("broadcast").checked = false;
  });
  for (const draft of [byId("draft"), byId("reply-draft")]) {
    draft.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        draft.form.requestSubmit();
      } else if (event.key === "Escape" && page.editing) {
        page.editing = null;
        draft.value = "";
      }
    });
  }
  const changes = new EventSource("/page/changes");
  changes.addEventListener("message", look);
  changes.addEventListener("error", look);
}

wireUp();
look();
