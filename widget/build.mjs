// Builds the one file that sites embed. Same sources, same bytes: a test rebuilds it and compares.
// `node build.mjs [outfile]`
import { build } from "esbuild";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const outfile = process.argv[2] ?? join(here, "dist", "widget.js");

await build({
  absWorkingDir: here,
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  // Private members begin with an underscore; no frame, attribute or DOM name does.
  mangleProps: /^_[a-z]/i,
  banner: { js: "/* Parley chat widget, MIT licence */" },
});
if (!process.argv[2]) await copyFile(join(here, "src", "api.d.ts"), join(here, "dist", "widget.d.ts"));
