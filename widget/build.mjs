// Builds the one file that sites embed. Same sources, same bytes: a test rebuilds it and compares.
// `node build.mjs [outfile]`
import { build, transform } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url));
/** Names that are ours alone: no DOM interface, frame, attribute or stored record has them. They get short ones too. */
const OWN = (
  "isOpen hasFeedback scrollToEnd hasOlder isMine onTold notice formerly isShared onTokenNeeded showAll runId" +
  " isImage onView isOther votes toEnd onRemove announce isClose onRetry isWaiting served onVote isLast welcomed" +
  " shut heard wasReset"
).split(" ");
const outfile = process.argv[2] ?? join(here, "dist", "widget.js");

/** The style sheet stands in a template string, where the minifier of scripts does not look. */
function setup({ onLoad }) {
  onLoad({ filter: /ui\/styles\.ts$/ }, async ({ path }) => {
    const { css } = await import(`data:text/javascript,${encodeURIComponent(await readFile(path, "utf8"))}`);
    const { code } = await transform(css, { loader: "css", minify: true, target: "es2022" });
    return { contents: `export const css = ${JSON.stringify(code.trim())};` };
  });
}

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  write: false,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  // Private members begin with an underscore.
  mangleProps: new RegExp(`^(_[a-z].*|${OWN.join("|")})$`, "i"),
  plugins: [{ name: "css", setup }],
});
// A second minifier saves another 600 bytes of the 25,000 there are, compressed.
const { code } = await minify(outputFiles[0].text, {
  ecma: 2022,
  compress: { passes: 3 },
  format: { preamble: "/* Parley chat widget, MIT licence */", comments: false },
});
await mkdir(dirname(outfile), { recursive: true });
await writeFile(outfile, `${code}\n`);
if (!process.argv[2]) await copyFile(join(here, "src", "api.d.ts"), join(here, "dist", "widget.d.ts"));
