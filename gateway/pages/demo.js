// The demo page: the chat, open, as the person and in the thread that the address names (`/?thread=…&name=…`).
"use strict";
(() => {
  const query = new URLSearchParams(location.search);
  const thread = (query.get("thread") ?? "").trim();
  const name = (query.get("name") ?? "").trim();

  const chat = document.createElement("parley-chat");
  chat.setAttribute("site", "demo");
  if (matchMedia("(min-width: 1080px)").matches) chat.setAttribute("open", "");
  if (thread) chat.setAttribute("thread", thread);
  if (name) chat.setAttribute("name", name);
  document.body.append(chat);

  const link = (id, who, label) => {
    const anchor = document.getElementById(id);
    anchor.href = `/?${new URLSearchParams({ thread: thread || "demo", name: who })}`;
    anchor.textContent = label;
  };
  document.getElementById("tag").textContent = `<script src="${location.origin}/widget.js" data-site="SITE_KEY" async></script>`;
  if (!thread) return;

  const others = ["Ann", "Ben", "Chloe"].filter((one) => one !== name);
  link("first", others[0], `as ${others[0]}`);
  link("second", others[1], `as ${others[1]}`);
  const who = document.getElementById("who");
  who.hidden = false;
  who.textContent = name ? `You are ${name} in the thread “${thread}”.` : `You are in the thread “${thread}”.`;
  document.title = name ? `${name} · Parley` : document.title;
})();
