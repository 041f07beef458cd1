// The script tag: defines the element, makes one if the tag says for which site, and puts the JS API on the window.
import type { ParleyApi } from "./api";
import { home, ParleyChat } from "./element";

const ATTRIBUTES = ["site", "server", "thread", "name", "token", "open", "locale", "color", "heading", "theme", "side"];

function scriptOfOurs(): HTMLScriptElement | null {
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement) return current;
  return document.querySelector<HTMLScriptElement>('script[data-site][src*="widget.js"], script[src*="widget.js"]');
}

/** The API acts on the chat of the page. Called before there is one, it waits for it. */
function makeApi(): ParleyApi {
  const chat = (): ParleyChat | null => document.querySelector<ParleyChat>("parley-chat");
  const need = (): ParleyChat => {
    const found = chat();
    if (!found) throw new Error("Parley: there is no <parley-chat> on the page yet.");
    return found;
  };
  return {
    open: () => need().open(),
    close: () => need().close(),
    toggle: () => need().toggle(),
    send: (text) => need().send(text),
    identify: (token) => need().identify(token),
    reset: () => need().reset(),
    on: (event, listener) => need().on(event, listener),
  };
}

function embed(script: HTMLScriptElement | null): void {
  if (!script?.dataset.site) return;
  const chat = document.createElement("parley-chat");
  for (const name of ATTRIBUTES) {
    const value = script.dataset[name];
    if (value !== undefined) chat.setAttribute(name, value);
  }
  document.body.append(chat);
}

function start(): void {
  const script = scriptOfOurs();
  if (script?.src) home.origin = new URL(script.src, location.href).origin;
  if (customElements.get("parley-chat")) return;
  customElements.define("parley-chat", ParleyChat);
  const whenBody = (then: () => void): void => {
    if (document.body) then();
    else document.addEventListener("DOMContentLoaded", then, { once: true });
  };
  whenBody(() => {
    embed(script);
    const early: unknown = window.Parley;
    const api = makeApi();
    window.Parley = api;
    if (Array.isArray(early)) {
      for (const [name, ...rest] of early as [keyof ParleyApi, ...unknown[]][]) (api[name] as (...args: unknown[]) => unknown)(...rest);
    }
    document.dispatchEvent(new Event("parley:ready"));
  });
}

start();
