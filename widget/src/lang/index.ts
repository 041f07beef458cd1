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

/** The first of `wanted` (BCP 47 tags) that there are words for. */
export function pickLanguage(wanted: readonly (string | null | undefined)[]): Language {
  const tags = wanted.map((tag) => (tag ?? "").toLowerCase().split("-")[0] ?? "");
  const tag = tags.find((one) => Object.hasOwn(LANGUAGES, one)) ?? "en";
  const sentences = (LANGUAGES[tag] ?? en).split("|");
  const words: Words = (key, value = "") => (sentences[key] ?? "").replace("{}", () => String(value));
  return { tag, dir: tag === "ar" || tag === "he" ? "rtl" : "ltr", words };
}
