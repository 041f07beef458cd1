// Which links are links, and what a person is told of where they lead.

/** The address, if it is absolute and of a scheme that only navigates; anything else stays text. */
export function safeUrl(href: string): URL | undefined {
  if (!/^(?:https?:\/\/|mailto:)/i.test(href)) return undefined;
  try {
    const url = new URL(href);
    return url.protocol === "https:" || url.protocol === "http:" || url.protocol === "mailto:" ? url : undefined;
  } catch {
    return undefined;
  }
}

/** What to show beside the label, so that no label hides where it leads: the host, or nothing if the label is the address. */
export function hostBeside(url: URL, label: string): string {
  const plain = (text: string): string => text.trim().replace(/\/$/, "");
  if (url.protocol === "mailto:") return plain(label) === url.pathname ? "" : url.pathname;
  const isSame = plain(label) === plain(url.href) || plain(label) === plain(url.host + url.pathname + url.search + url.hash);
  return isSame && !url.username && !url.password ? "" : url.host;
}
