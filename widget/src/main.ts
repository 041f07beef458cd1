// The script tag: defines the element, makes one if the tag says for which site, and puts the JS API on the window.
// First in the file, so that the compressor has forgotten them when the code comes.
import "./lang";
import type { ParleyApi } from "./api";
import { home, ParleyChat } from "./element";

const METHODS = ["open", "close", "toggle", "send", "identify", "reset", "on"] as const;

/** The API acts on the first chat of the page. */
function makeApi(): ParleyApi {
  const call = (name: (typeof METHODS)[number]) => (...args: unknown[]): unknown => {
    const chat = document.querySelector("parley-chat");
    if (!chat) throw new Error("Parley: no <parley-chat> on the page yet");
    return (chat[name] as (...args: unknown[]) => unknown)(...args);
  };
  return Object.fromEntries(METHODS.map((name) => [name, call(name)])) as unknown as ParleyApi;
}

/** Known only while the script runs, not when the body comes later. */
const script = (document.currentScript ?? document.querySelector('script[src*="widget.js"]')) as HTMLScriptElement | null;

function start(): void {
  if (script?.src) home.origin = new URL(script.src).origin;
  if (customElements.get("parley-chat")) return;
  customElements.define("parley-chat", ParleyChat);
  if (script?.dataset.site) {
    const chat = document.createElement("parley-chat");
    for (const [name, value] of Object.entries(script.dataset)) chat.setAttribute(name, value ?? "");
    document.body.append(chat);
  }
  window.Parley = makeApi();
  document.dispatchEvent(new Event("parley:ready"));
}

if (document.body) start();
else document.addEventListener("DOMContentLoaded", start, { once: true });
