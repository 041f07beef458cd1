// One state: the real widget, and in the place of its websocket a scripted one.
"use strict";
(() => {
  const query = new URLSearchParams(location.search);
  const state = query.get("state") ?? "open";
  const lang = query.get("lang") ?? "en";
  const { config, states, sessions, memories, me } = window.gallery;
  const refused = new Set(["never sent"]);

  const answers = {
    hello: () => {
      if (state === "stopped") return { close: 4403 };
      const welcome = {
        type: "welcome", session_id: "web:now", epoch: "e", head: 0, cursor: 0, resumed: false, user: { ...me, verified: false }, config, hb_s: 25, mode: "agent",
        server_time: new Date().toISOString(),
      };
      return { say: [welcome, ...states[state]()] };
    },
    ping: ({ n }) => ({ say: [{ type: "pong", n }] }),
    sessions: () => ({ say: [{ type: "sessions", sessions }] }),
    memories: () => ({ say: [{ type: "memories", memories }] }),
    send: ({ id, text }) => (refused.has(text) ? { say: [{ type: "nack", id, code: "blocked", message: "the workshop is closed" }] } : {}),
  };

  window.WebSocket = class {
    static OPEN = 1;
    static count = 0;
    readyState = 1;
    constructor() {
      window.WebSocket.count += 1;
      if (state === "offline" && window.WebSocket.count > 1) setTimeout(() => this.onclose({ code: 1006, reason: "" }), 5);
      else setTimeout(() => this.onopen());
    }
    send(text) {
      const frame = JSON.parse(text);
      const { say = [], close } = answers[frame.type]?.(frame) ?? {};
      queueMicrotask(() => {
        for (const one of say) this.onmessage({ data: JSON.stringify(one) });
        if (close) this.onclose({ code: close, reason: "" });
        if (state === "offline" && frame.type === "ping") this.onclose({ code: 1006, reason: "" });
      });
    }
    close() {}
  };

  document.addEventListener("parley:ready", () => {
    const site = `gallery-${[...query].join("-")}`;
    for (const key of Object.keys(localStorage)) if (key.includes(site)) localStorage.removeItem(key);
    const chat = document.createElement("parley-chat");
    for (const [name, value] of [["site", site], ["locale", lang], ["theme", query.get("theme") ?? "light"]]) chat.setAttribute(name, value);
    document.body.append(chat);
    chat.on("ready", () => setTimeout(() => act(chat), 200));
    if (state === "unread") chat.shadowRoot.querySelector(".launcher").focus();
    if (state === "unread") chat.send("Is my order there?");
    else if (state !== "closed") chat.open();
    if (query.get("theme") === "dark") document.documentElement.style.background = "#11141b";
  });

  /** What a person would do to come to this state. */
  function act(chat) {
    if (state === "past") chat.shadowRoot.querySelector("header .icon").click();
    if (state === "error") chat.send("never sent");
    if (state === "offline") setTimeout(() => chat.send("Are you still there?"), 100);
    document.documentElement.dataset.ready = "";
  }
})();
