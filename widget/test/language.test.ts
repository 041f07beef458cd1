import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, pickLanguage } from "../src/lang";
import { SENTENCES, W } from "../src/lang/keys";

test("there are ten languages, two of them from right to left", () => {
  const tags = Object.keys(LANGUAGES);
  assert.equal(tags.length, 10);
  assert.deepEqual(tags.filter((tag) => pickLanguage([tag]).dir === "rtl"), ["ar", "he"]);
});

test("every language says every sentence, with its gap where the others have theirs", () => {
  const gaps = (joined: string): boolean[] => joined.split("|").map((sentence) => sentence.includes("{}"));
  for (const [tag, joined] of Object.entries(LANGUAGES)) {
    assert.equal(joined.split("|").length, SENTENCES, tag);
    assert.ok(joined.split("|").every((sentence) => sentence.trim() === sentence && sentence), tag);
    assert.deepEqual(gaps(joined), gaps(LANGUAGES.en ?? ""), tag);
  }
});

test("a region or an unknown language falls back", () => {
  assert.equal(pickLanguage(["pt-BR"]).tag, "pt");
  assert.equal(pickLanguage([null, "", "xx", "FR-ca", "de"]).tag, "fr");
  assert.equal(pickLanguage(["__proto__", "constructor"]).tag, "en");
});

test("a name is put in as it is", () => {
  assert.equal(pickLanguage(["en"]).words(W.typing, "$& $1"), "$& $1 is typing…");
});
