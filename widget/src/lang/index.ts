// Picks the language: what the site asks for, else the page's, else the browser's, else English.
import { ar } from "./ar";
import { de } from "./de";
import { en } from "./en";
import { es } from "./es";
import { fr } from "./fr";
import { he } from "./he";
import { it } from "./it";
import { ja } from "./ja";
import type { Words } from "./keys";
import { nl } from "./nl";
import { pt } from "./pt";

export const LANGUAGES: Record<string, string> = { en, de, fr, es, it, pt, nl, ja, ar, he };

export interface Language { tag: string; dir: "ltr" | "rtl"; words: Words }

/** Where the letters of those that run from right to left begin: the build writes them as `A` and so on, which compresses. */
const ALPHABETS: Record<string, number> = { ar: 0x621, he: 0x5d0 };

/** The first of `wanted` (BCP 47 tags) that there are words for. */
export function pickLanguage(wanted: readonly (string | null | undefined)[]): Language {
  const tags = wanted.map((tag) => (tag ?? "").toLowerCase().split("-")[0] ?? "");
  const tag = tags.find((one) => Object.hasOwn(LANGUAGES, one)) ?? "en";
  const first = ALPHABETS[tag];
  const text = LANGUAGES[tag] ?? en;
  const sentences = (first ? text.replace(/[A-j]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 65 + first)) : text).split("|");
  const words: Words = (key, value = "") => (sentences[key] ?? "").replace("{}", () => String(value));
  return { tag, dir: first ? "rtl" : "ltr", words };
}
