import assert from "node:assert/strict";
import { test } from "node:test";
import { Lexer, type Token, type Tokens } from "marked";
import { type Block, lexBlocks } from "../src/md/blocks";
import { GrowingLexer } from "../src/md/grow";
import { type Inline, lexInline } from "../src/md/inline";
import { hostBeside, safeUrl } from "../src/md/links";
import { ANSWERS, randomOf } from "./answers";

const outline = (nodes: readonly Inline[]): string => nodes.map((node) => {
  if (node.t === "text") return node.v;
  if (node.t === "code") return `<c>${node.v}</c>`;
  if (node.t === "br") return "<br>";
  return node.t === "a" ? `<a ${node.url.href}>${outline(node.c)}</a>` : `<${node.t}>${outline(node.c)}</${node.t}>`;
}).join("");

const shape = (blocks: readonly Block[]): unknown[] => blocks.map((block) => {
  switch (block.t) {
    case "p": return ["p", outline(lexInline(block.text))];
    case "h": return ["h", block.n, outline(lexInline(block.text))];
    case "code": return ["code", block.lang, block.text];
    case "quote": return ["quote", shape(block.blocks)];
    case "list": return ["list", block.start, block.items.map((item) => [item.checked, shape(item.blocks)])];
    case "table": return ["table", [block.head, ...block.rows].map((row) => row.map((cell) => outline(lexInline(cell))))];
    default: return ["hr"];
  }
});

const theirInline = (tokens: readonly Token[] = []): string => tokens.map((token) => {
  switch (token.type) {
    case "codespan": return `<c>${token.text as string}</c>`;
    case "br": return "<br>";
    case "strong": case "em": case "del": return `<${token.type}>${theirInline(token.tokens)}</${token.type}>`;
    case "link": return `<a ${new URL(token.href as string).href}>${theirInline(token.tokens)}</a>`;
    default: return (token as Tokens.Text).tokens ? theirInline((token as Tokens.Text).tokens) : (token as Tokens.Text).text;
  }
}).join("");

const theirs = (tokens: readonly Token[]): unknown[] => tokens.flatMap((token): unknown[] => {
  const one = token as Tokens.Generic;
  switch (token.type) {
    case "space": return [];
    case "paragraph": case "text": return [["p", theirInline(token.tokens)]];
    case "heading": return [["h", one.depth, theirInline(token.tokens)]];
    case "code": return [["code", one.lang ?? "", (one.text as string).replace(/\n$/, "")]];
    case "blockquote": return [["quote", theirs(token.tokens ?? [])]];
    case "list": return [["list", one.ordered ? one.start : null, (one.items as Tokens.ListItem[]).map((item) => [item.task ? item.checked : null, theirs(item.tokens.filter((inner) => inner.type !== "checkbox"))])]];
    case "table": return [["table", [one.header as Tokens.TableCell[], ...(one.rows as Tokens.TableCell[][])].map((row) => row.map((cell) => theirInline(cell.tokens)))]];
    default: return [["hr"]];
  }
});

test("answers lex as marked, the reference, lexes them", () => {
  for (const answer of ANSWERS) {
    assert.deepEqual(shape(lexBlocks(answer)), theirs(new Lexer({ gfm: true, breaks: true }).lex(answer)), answer);
  }
});

test("a text gives the same blocks however it is cut", () => {
  const random = randomOf(7);
  for (let round = 0; round < 400; round++) {
    const text = Array.from({ length: 6 }, () => ANSWERS[Math.floor(random() * ANSWERS.length)]).join(random() < 0.5 ? "\n" : "\n\n");
    const lexer = new GrowingLexer();
    let at = 0;
    let blocks: readonly Block[] = [];
    while (at < text.length) {
      at = Math.min(text.length, at + 1 + Math.floor(random() * 12));
      blocks = lexer.update(text.slice(0, at));
    }
    assert.deepEqual(shape(blocks), shape(lexBlocks(text)), text);
  }
});

test("a text that is replaced by another gives the blocks of the other", () => {
  const lexer = new GrowingLexer();
  lexer.update("# One\n\ntext\n\nmore\n");
  assert.deepEqual(shape(lexer.update("- list")), shape(lexBlocks("- list")));
});

test("the blocks' offsets cover the text", () => {
  const text = "# a\n\npara\nmore\n\n\n- x\n\n```\ncode\n```\nend";
  assert.deepEqual(lexBlocks(text).map(({ at, raw }) => text.slice(at, at + raw.length)), lexBlocks(text).map(({ raw }) => raw));
});

test("only addresses that merely navigate become links", () => {
  const bad = ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "/relative", "file:///etc/passwd",
    "java\nscript:alert(1)", " javascript:alert(1)", "blob:https://x/1", "https:evil", "ftp://x/y", "intent://x"];
  for (const href of bad) assert.equal(safeUrl(href), undefined, href);
  for (const href of ["https://a.example/", "http://a.example", "mailto:a@b.example", "HTTPS://A.example"]) assert.ok(safeUrl(href), href);
});

test("the host is shown unless the label is the address itself", () => {
  const beside = (href: string, label: string): string => hostBeside(safeUrl(href)!, label);
  assert.equal(beside("https://evil.example/login", "https://bank.example/login"), "evil.example");
  assert.equal(beside("https://bank.example@evil.example/", "https://bank.example@evil.example/"), "evil.example");
  assert.equal(beside("https://a.example/x", "https://a.example/x"), "");
  assert.equal(beside("https://a.example/", "a.example"), "");
  assert.equal(beside("mailto:a@b.example", "write us"), "a@b.example");
  assert.equal(beside("https://аpple.example/", "https://аpple.example/"), "xn--pple-43d.example");
});

test("a label cannot hold a link of its own", () => {
  assert.equal(outline(lexInline("[https://bank.example](https://evil.example/)")), "<a https://evil.example/>https://bank.example</a>");
});

test("markup, images and unsafe links stay text", () => {
  assert.equal(outline(lexInline("<b>x</b> <img src=x onerror=y>")), "<b>x</b> <img src=x onerror=y>");
  assert.equal(outline(lexInline("![alt](https://x.example/p.png)")), "<a https://x.example/p.png>alt</a>");
  assert.equal(outline(lexInline("[go](javascript:alert(1))")), "go");
});

test("entities are characters, once", () => {
  assert.equal(outline(lexInline("&lt;b&gt; &amp;amp; &quot;&#39; &#65; &nope;")), "<b> &amp; \"' &#65; &nope;");
});

test("hostile texts cost no more than their length", () => {
  const hostile = ["*".repeat(30000), "[".repeat(30000), "`".repeat(30000), "> ".repeat(15000), "- ".repeat(15000), "[a](".repeat(8000), "*a _b ".repeat(6000),
    "a*b".repeat(10000), "<".repeat(30000), "|".repeat(20000) + "\n" + "|-".repeat(10000), "![".repeat(15000), "`a``b```c".repeat(4000), "http://".repeat(5000),
    "# ".repeat(15000), "- a\n".repeat(8000), " ".repeat(30000) + "x", "\t".repeat(30000), "~~a".repeat(10000), "[x](https://a.b(".repeat(2000), "&#".repeat(10000)];
  for (const text of hostile) {
    const before = performance.now();
    shape(lexBlocks(text));
    assert.ok(performance.now() - before < 2000, text.slice(0, 20));
  }
});
