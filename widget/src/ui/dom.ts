// Elements without markup strings: nothing here, or anywhere in the widget, parses HTML.

export type Child = Node | string | null | false | undefined;
type Handler = (event: Event) => void;
export type Props = Record<string, string | boolean | null | undefined | Handler>;

/** An element; a button submits nothing unless its `type` says so. Handlers by their event's name; `true` is an empty attribute, `false`, null and undefined are none. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (tag === "button") (element as HTMLButtonElement).type = "button";
  for (const [name, value] of Object.entries(props ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else set(element, name, value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

/** Sets or removes an attribute, touching the DOM only for a change. */
export function set(element: Element, name: string, value: string | boolean | null | undefined): void {
  const text = value === true ? "" : value === false || value == null ? null : value;
  if (element.getAttribute(name) === text) return;
  if (text === null) element.removeAttribute(name);
  else element.setAttribute(name, text);
}

/** Sets the text, touching the DOM only for a change. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";

/** A line drawing on a field of 24 by 24, hidden from screen readers: its control carries the name. */
export function icon(path: string): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Makes `parent` hold exactly `nodes`, in their order, moving as few as possible. */
export function arrange(parent: Node, nodes: readonly Node[]): void {
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    parent.removeChild(at);
    at = next;
  }
}
