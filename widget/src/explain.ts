// For whoever runs the site: which setting is behind a refusal. For the console, not for visitors.

/** One sentence that names the setting, or nothing for what is no setting's fault. */
export function explain(code: string, site: string, origin: string): string | undefined {
  switch (code) {
    case "4400": return "the gateway could not read a frame of this widget; load widget.js from the gateway itself, so that both are of one version.";
    case "4401": return "the gateway refused the token; check `data-token` (signed with an active key of this site, `aud` the site key, `exp` at most 15 minutes ahead), and listen to the event `token` to renew it.";
    case "4403": case "forbidden": case "origin": return `the gateway refused site "${site}" on origin ${origin}; check \`data-site\` and add this origin to the site's \`origins\` in parley.toml.`;
    case "site": return `no site has the key "${site}"; check \`data-site\` against the sites in parley.toml.`;
    case "4404": return "there is no such conversation for this person; check `data-thread`.";
    case "4426": return "the gateway speaks another version of the protocol; load widget.js from the gateway itself.";
    default: return undefined;
  }
}
