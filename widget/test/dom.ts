// Bundled by tests/widget/test_rendering.py and run in a page: whether a text that grew gives the DOM of the text as a whole.
import { pickLanguage } from "../src/lang";
import { Markdown } from "../src/md/render";
import { ANSWERS, randomOf } from "./answers";

declare global {
  var compareCuts: (texts: string[], seed: number, rounds: number) => string[];
}

/** The texts that came out differently, of those given, the samples and mixtures of samples. */
globalThis.compareCuts = (texts, seed, rounds) => {
  const random = randomOf(seed);
  const { words } = pickLanguage(["en"]);
  const mixed = ANSWERS.map((_, index) => ANSWERS.slice(index, index + 5).join(index % 2 ? "\n" : "\n\n"));
  return [...texts, ...ANSWERS, ...mixed].filter((text) => {
    const whole = document.createElement("div");
    new Markdown(whole, words).update(text);
    for (let round = 0; round < rounds; round++) {
      const grown = document.createElement("div");
      const markdown = new Markdown(grown, words);
      for (let at = 0; at < text.length; ) {
        at = Math.min(text.length, at + 1 + Math.floor(random() * (text.length / 8)));
        markdown.update(text.slice(0, at));
      }
      if (grown.innerHTML !== whole.innerHTML) return true;
    }
    return false;
  });
};
