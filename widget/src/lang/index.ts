// Picks the language: what the site asks for, else the page's, else the browser's, else English.
import { en } from "./en";
import { KEYS, type Words } from "./keys";

export const LANGUAGES: Record<string, string> = { en };
const RTL = new Set(["ar", "he"]);

export interface Language { tag: string; dir: "ltr" | "rtl"; words: Words }

/** The first of `wanted` (BCP 47 tags) that there are words for. */
export function pickLanguage(wanted: readonly (string | null | undefined)[]): Language {
  const tags = wanted.flatMap((tag) => (tag ? [tag.toLowerCase().split(/[-_]/)[0] ?? ""] : []));
  const tag = tags.find((one) => Object.hasOwn(LANGUAGES, one)) ?? "en";
  return { tag, dir: RTL.has(tag) ? "rtl" : "ltr", words: wordsOf(LANGUAGES[tag] ?? en) };
}

function wordsOf(joined: string): Words {
  const sentences = joined.split("|");
  return Object.fromEntries(KEYS.map((key, index) => [key, sentences[index] ?? ""])) as Words;
}

/** A sentence with its gap filled. */
export const fill = (sentence: string, value: string | number): string => sentence.replace("{}", String(value));
