// For whoever runs the site: which setting is behind a refusal. For the console, not for visitors.

const VERSION = "load widget.js from the gateway";
const REASONS: Record<string, string> = {
  4400: VERSION,
  4401: "check `data-token` (key, `aud`, `exp`) and answer the event `token`",
  4403: "check `data-site`, and `origins` of that site in parley.toml",
  4404: "check `data-thread`",
  4426: VERSION,
  unreachable: "no answer from the gateway",
};

/** One sentence that names the setting, or nothing for what is no setting's fault. */
export function explain(code: string, said: string, site: string): string | undefined {
  const reason = REASONS[code];
  return reason && `Parley: site "${site}" on ${location.origin}: ${reason}. ${said}`;
}
