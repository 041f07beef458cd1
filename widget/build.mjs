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
  " shut heard wasReset step phase toggled settle"
).split(" ");
const outfile = process.argv[2] ?? join(here, "dist", "widget.js");

let css = "";

/** The style sheet stands in a template string, where the minifier of scripts does not look; it goes to the end of the file. */
function setupStyles({ onLoad }) {
  onLoad({ filter: /ui\/styles\.ts$/ }, async ({ path }) => {
    const source = await import(`data:text/javascript,${encodeURIComponent(await readFile(path, "utf8"))}`);
    css = (await transform(source.css, { loader: "css", minify: true, target: "es2022" })).code.trim();
    return { contents: "export const css = $;" };
  });
}

/** Arabic and Hebrew letters as Latin ones: two bytes fewer to tell apart, 140 of them in the end. lang/index.ts turns them back. */
function setupLetters({ onLoad }) {
  onLoad({ filter: /lang\/(ar|he)\.ts$/ }, async ({ path }) => {
    const [, head, words] = /^(.*?=)(.*)$/s.exec(await readFile(path, "utf8"));
    if (/[A-j]/.test(words)) throw new Error(`${path}: no Latin letters here`);
    const first = path.endsWith("ar.ts") ? 0x621 : 0x5d0;
    return { contents: head + words.replace(/[\u0621-\u064a\u05d0-\u05ea]/g, (one) => String.fromCharCode(one.charCodeAt(0) - first + 65)), loader: "ts" };
  });
}

const { outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  write: false,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  // Private members begin with an underscore.
  mangleProps: new RegExp(`^(_[a-z].*|${OWN.join("|")})$`, "i"),
  plugins: [{ name: "css", setup: setupStyles }, { name: "letters", setup: setupLetters }],
});
// A second minifier saves another 600 bytes of the 25,000 there are, compressed.
const { code } = await minify(outputFiles[0].text, {
  ecma: 2022,
  toplevel: true,
  compress: { passes: 3, unsafe: true, unsafe_arrows: true },
  format: { comments: false },
});
await mkdir(dirname(outfile), { recursive: true });
await writeFile(outfile, `/* Parley chat widget, MIT licence */($=>{${code}})(\`${css.replaceAll("\\", "\\\\")}\`);\n`);
if (!process.argv[2]) await copyFile(join(here, "src", "api.d.ts"), join(here, "dist", "widget.d.ts"));
