// `<parley-chat>`: attributes in, a client and a panel tied together, the JS API out.
import type { ParleyApi, ParleyEvents } from "./api";
import { Client } from "./client";
import { explain } from "./explain";
import { pickLanguage } from "./lang";
import { isRunning } from "./transcript";
import type { Told } from "./types";
import { lengthOf } from "./ui/composer";
import { Panel } from "./ui/panel";
import { css } from "./ui/styles";

type Listener = (data: unknown) => unknown;

/** The origin this script came from: where the gateway is, unless the page says otherwise. */
export const home = { origin: location.origin };

const MAX_CHARS = 4000;
/** A picture costs up to five milliseconds per 32,000 units of text on the screen: this keeps that below one in a hundred. */
const UNITS_PER_MS = 32;
let sheet: CSSStyleSheet | undefined;

export class ParleyChat extends HTMLElement implements ParleyApi {
  private _client: Client | undefined;
  private _panel: Panel | undefined;
  private _drawing: ReturnType<typeof setTimeout> | undefined;
  private readonly _listeners = new Map<string, Set<Listener>>();

  connectedCallback(): void {
    if (this._client) return;
    const site = this.getAttribute("site");
    if (site) this._build(site);
    else console.error("Parley: `data-site` (or the attribute `site`) is missing: the key of a site in parley.toml.");
  }

  disconnectedCallback(): void {
    this._client?.end();
    this._client = undefined;
    this.shadowRoot?.replaceChildren();
  }

  open(): void {
    this._panel?.toggle(true);
  }

  close(): void {
    this._panel?.toggle(false);
  }

  toggle(): void {
    this._panel?.toggle(!this._panel.isOpen);
  }

  send(text: string): string {
    const body = text.trim();
    if (!body || lengthOf(body) > MAX_CHARS) throw new RangeError(`Parley: 1 to ${MAX_CHARS} characters`);
    return (this._client as Client).send(body);
  }

  identify(token: string): void {
    this._client?.identify(token);
  }

  reset(): void {
    this._client?.reset();
    if (this._panel?.isOpen) this._client?.start(true);
  }

  on<K extends keyof ParleyEvents>(event: K, listener: (data: ParleyEvents[K]) => unknown): () => void {
    const heard = this._listeners.get(event) ?? new Set<Listener>();
    this._listeners.set(event, heard.add(listener as Listener));
    return () => void heard.delete(listener as Listener);
  }

  private _emit(event: keyof ParleyEvents, data?: unknown): unknown[] {
    return [...(this._listeners.get(event) ?? [])].map((listener) => listener(data));
  }

  private _build(site: string): void {
    const attribute = (name: string): string | undefined => this.getAttribute(name) || undefined;
    const [locale, thread, name, colour] = ["locale", "thread", "name", "color"].map(attribute);
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    if (colour) this.style.setProperty("--parley-color", colour);

    const client = this._client = new Client({
      server: attribute("server") ?? home.origin,
      who: {
        site, thread, name, locale: locale ?? navigator.language,
        tz: Intl.DateTimeFormat().resolvedOptions().timeZone, page_url: location.origin + location.pathname,
      },
      token: attribute("token"),
      onView: () => this._draw(),
      onTold: (told) => this._told(told, site),
      onTokenNeeded: () => this._askForToken(),
    });
    this._makePanel(client, root);
    if ((this.getAttribute("open") ?? "false") !== "false") this._panel?.toggle(true, false);
  }

  /** In the language of the moment; the site's own is known only after the welcome. */
  private _makePanel(client: Client, root: ShadowRoot): void {
    const { isOpen = false } = this._panel ?? {};
    const panel = new Panel(pickLanguage([this.getAttribute("locale"), document.documentElement.lang, ...navigator.languages]), {
      server: client.server,
      send: (text, files) => void client.send(text, files),
      upload: (file) => client.upload(file),
      stop: () => client.step({ t: "stop" }),
      retry: (id) => client.step({ t: "retry", id }),
      remove: (id) => client.step({ t: "discard", id }),
      older: () => client.step({ t: "older" }),
      ask: (frame) => client.step({ t: "ask", frame }),
      session: (session_id) => client.step({ t: "session", session_id }),
      restart: () => client.start(true),
      toggled: (open) => {
        if (panel !== this._panel) return;
        if (open) client.start();
        this._emit(open ? "open" : "close");
      },
    }, this.getAttribute("heading") || undefined, this.hasAttribute("thread"));
    const hadFocus = root.activeElement !== null;
    root.replaceChildren(panel.root);
    panel.draw(client.view);
    panel.toggle(isOpen, hadFocus);
    this._panel = panel;
  }

  /** Many changes, one picture: at most once per frame, and the longer an answer on its way is, the less often. */
  private _draw(): void {
    const { items = [] } = this._client?.view ?? {};
    const length = items.findLast(isRunning)?.text.length ?? 0;
    this._drawing ||= setTimeout(() => requestAnimationFrame(() => {
      this._drawing = undefined;
      if (!this._client) return;
      const { color, locale } = this._client.view.config;
      if (locale && !this.getAttribute("locale")) {
        this.setAttribute("locale", locale);
        this._makePanel(this._client, this.shadowRoot as ShadowRoot);
      }
      if (color && !this.hasAttribute("color")) this.style.setProperty("--parley-color", color);
      this._panel?.draw(this._client.view);
    }), length / UNITS_PER_MS);
  }

  private _told(told: Told, site: string): void {
    if (told.name === "error") {
      const hint = explain(told.data.code, told.data.message, site);
      if (hint) console.error(hint);
    }
    this._emit(told.name, told.data);
  }

  private async _askForToken(): Promise<string | null> {
    const answers = await Promise.all(this._emit("token"));
    return answers.find((answer): answer is string => typeof answer === "string") ?? null;
  }
}
