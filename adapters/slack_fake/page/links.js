// Links that lead into the workspace, where Slack would open a message.

/** The conversation and message that an address means, or null: permalinks of the fake, and `slack.com/app_redirect`. */
export function placeOf(address) {
  const url = new URL(address, location.origin);
  if (url.hostname === "slack.com" && url.pathname === "/app_redirect") {
    return { channel: url.searchParams.get("channel"), ts: url.searchParams.get("message_ts") };
  }
  const found = url.origin === location.origin && url.pathname.match(/^\/archives\/(\w+)\/p(\d+)(\d{6})$/);
  if (!found) return null;
  return { channel: found[1], ts: url.searchParams.get("thread_ts") ?? `${found[2]}.${found[3]}` };
}
