// What a screen reader is told of a growing answer: whole sentences, each once.

const END = /[.!?…。！？؟]["'”’)\]]*(?=\s)|[。！？]|\n/gu;

/** The text from `from` up to the end of the last whole sentence, and where that is. */
export function nextSentences(text: string, from: number): { said: string; to: number } {
  let to = from;
  END.lastIndex = from;
  for (let found = END.exec(text); found; found = END.exec(text)) to = found.index + found[0].length;
  return { said: plain(text.slice(from, to)), to };
}

/** Markdown as it would be read out. */
export function plain(text: string): string {
  return text.replace(/\[([^\]\n]*)\]\([^)\n]*\)/g, "$1").replace(/[*_`#|~>]+|^[ \t]*[-+][ \t]/gm, " ").replace(/\s+/g, " ").trim();
}
