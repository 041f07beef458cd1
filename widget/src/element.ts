// `<parley-chat>`: attributes in, a client and a panel tied together, the JS API out.
import type { ParleyApi, ParleyEvents } from "./api";
import { Client } from "./client";
import { pickLanguage } from "./lang";
import { explain } from "./explain";
import { inkOn } from "./ui/colour";
import { lengthOf, MAX_CHARS } from "./ui/composer";
import { Panel } from "./ui/panel";
import { css } from "./ui/styles";
import type { Told } from "./types";

type Listener = (data: unknown) => unknown;

/** The origin this script came from: where the gateway is, unless the page says otherwise. */
export const home = { origin: location.origin };

let sheet: CSSStyleSheet | undefined;

export class ParleyChat extends HTMLElement implements ParleyApi {
  private client: Client | undefined;
  private panel: Panel | undefined;
  private readonly listeners = new Map<string, Set<Listener>>();

  connectedCallback(): void {
    if (this.client) return;
    const site = this.getAttribute("site");
    if (!site) return console.error('Parley: <parley-chat> needs the attribute `site` (or the script tag `data-site`), the key of a site in parley.toml.');
    this.build(site);
  }

  disconnectedCallback(): void {
    this.client?.end();
    this.client = undefined;
    this.shadowRoot?.replaceChildren();
  }

  open(): void {
    this.panel?.toggle(true);
  }

  close(): void {
    this.panel?.toggle(false);
  }

  toggle(): void {
    this.panel?.toggle(!this.panel.isOpen);
  }

  send(text: string): string {
    const body = text.trim();
    if (!body || lengthOf(body) > MAX_CHARS) throw new RangeError(`Parley: a message has 1 to ${MAX_CHARS} characters.`);
    if (!this.client) throw new Error("Parley: the chat is not on the page.");
    return this.client.send(body);
  }

  identify(token: string): void {
    this.client?.step({ t: "token", token });
  }

  reset(): void {
    this.client?.reset();
    if (this.panel?.isOpen) this.client?.start(true);
  }

  on<K extends keyof ParleyEvents>(event: K, listener: (data: ParleyEvents[K]) => unknown): () => void {
    const heard = this.listeners.get(event) ?? new Set<Listener>();
    this.listeners.set(event, heard.add(listener as Listener));
    return () => void heard.delete(listener as Listener);
  }

  private emit(event: keyof ParleyEvents, data?: unknown): unknown[] {
    return [...(this.listeners.get(event) ?? [])].map((listener) => listener(data));
  }

  private build(site: string): void {
    const attribute = (name: string): string | undefined => this.getAttribute(name) || undefined;
    const language = pickLanguage([attribute("locale"), document.documentElement.lang, ...navigator.languages]);
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    this.paint(attribute("color"));

    const optional = { thread: attribute("thread"), name: attribute("name") };
    const client = new Client({
      server: attribute("server") ?? home.origin,
      who: {
        site, ...(optional.thread ? { thread: optional.thread } : {}), ...(optional.name ? { name: optional.name } : {}),
        locale: attribute("locale") ?? navigator.language, tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
        page_url: location.origin + location.pathname,
      },
      ...(attribute("token") ? { token: attribute("token") as string } : {}),
      onView: (view) => panel.draw(view),
      onTold: (told) => this.told(told, site),
      onTokenNeeded: () => this.askForToken(),
    });
    const panel = new Panel(language, {
      send: (text) => void client.send(text),
      stop: () => client.step({ t: "stop" }),
      retry: (id) => client.step({ t: "retry", id }),
      remove: (id) => client.step({ t: "discard", id }),
      older: () => client.step({ t: "older" }),
      typing: () => undefined,
      toggle: (open) => this.toggled(open, client),
      resume: (code) => (code === "4409" ? client.start(true) : client.step({ t: "session", session_id: "new" })),
    }, attribute("heading") ?? null);
    this.client = client;
    this.panel = panel;
    root.append(panel.root);
    panel.draw(client.view);
    if (this.hasAttribute("open") && this.getAttribute("open") !== "false") panel.toggle(true, false);
    else if (client.hasPast) client.start();
  }

  private toggled(open: boolean, client: Client): void {
    if (open) client.start();
    this.emit(open ? "open" : "close");
  }

  private paint(colour: string | undefined): void {
    if (!colour || !CSS.supports("color", colour)) return;
    this.style.setProperty("--parley-color", colour);
    const ink = inkOn(colour);
    if (ink) this.style.setProperty("--parley-on-color", ink);
  }

  private told(told: Told, site: string): void {
    if (told.name === "error") {
      const hint = explain(told.data.code, site, location.origin);
      if (hint) console.error(`Parley: ${hint}${told.data.message ? ` (${told.data.message})` : ""}`);
    }
    this.emit(told.name, told.data);
  }

  private async askForToken(): Promise<string | null> {
    const answers = await Promise.all(this.emit("token"));
    return answers.find((answer): answer is string => typeof answer === "string") ?? null;
  }
}
