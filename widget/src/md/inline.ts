// One block's text into nodes: emphasis, code, links, line breaks. Every loop here is linear in the text or nearly so.
import { safeUrl } from "./links";

export type Inline =
  | { t: "text"; v: string }
  | { t: "code"; v: string }
  | { t: "br" }
  | { t: "em" | "strong" | "del"; c: Inline[] }
  | { t: "a"; url: URL; c: Inline[] };

interface Run { t: "run"; ch: string; n: number; opens: boolean; closes: boolean; size: number }
interface Bracket { t: "bracket"; isImage: boolean; isActive: boolean }
type Part = Inline | Run | Bracket;

const PLAIN = /[^\\`*_~[\]!<&\nh]+|h(?!ttps?:\/\/)[^\\`*_~[\]!<&\nh]*/y;
const ESCAPE = /\\([!-/:-@[-`{-~])/y;
const TICKS = /`+/y;
const MARKS = /\*+|_+|~{1,2}/y;
const TARGET = /\(\s*(?:<([^<>\n]{0,2000})>|((?:[^\s()<>]|\([^\s()<>]{0,2000}\)){0,2000}))(?:\s+(?:"[^"]{0,500}"|'[^']{0,500}'))?\s*\)/y;
const ANGLE = /<((?:https?:\/\/|mailto:)[^\s<>]+|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+)>/iy;
const BARE = /https?:\/\/[^\s<>[\]"`\\]+/y;
const ENTITY = /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/iy;
const NAMED: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };
const PUNCTUATION = /[\p{P}\p{S}]/u;

export function lexInline(text: string): Inline[] {
  return new InlineLexer(text).run();
}

class InlineLexer {
  private readonly parts: Part[] = [];
  private readonly brackets: number[] = [];
  private readonly unclosed = new Set<number>();
  private i = 0;

  constructor(private readonly text: string) {}

  run(): Inline[] {
    while (this.i < this.text.length) this.one();
    return settle(this.parts);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.i;
    const found = pattern.exec(this.text);
    if (found) this.i += found[0].length;
    return found;
  }

  private say(v: string): void {
    const last = this.parts.at(-1);
    if (last?.t === "text") last.v += v;
    else this.parts.push({ t: "text", v });
  }

  private one(): void {
    const plain = this.match(PLAIN);
    if (plain) return this.say(plain[0]);
    const escape = this.match(ESCAPE);
    if (escape) return this.say(escape[1] ?? "");
    switch (this.text.charAt(this.i)) {
      case "`": return this.code();
      case "*": case "_": case "~": return this.marks();
      case "[": return this.open(false);
      case "!": return this.text.charAt(this.i + 1) === "[" ? this.open(true) : this.literal();
      case "]": return this.close();
      case "<": return this.angle();
      case "&": return this.entity();
      case "h": return this.bare();
      case "\n": return this.lineBreak();
      case "\\": return this.text.charAt(this.i + 1) === "\n" ? void this.i++ : this.literal();
      default: return this.literal();
    }
  }

  private literal(): void {
    this.say(this.text.charAt(this.i++));
  }

  private lineBreak(): void {
    const last = this.parts.at(-1);
    if (last?.t === "text") last.v = last.v.trimEnd();
    this.parts.push({ t: "br" });
    this.i++;
  }

  private code(): void {
    const ticks = this.match(TICKS)?.[0] ?? "";
    const end = this.unclosed.has(ticks.length) ? -1 : this.closing(ticks);
    if (end < 0) {
      this.unclosed.add(ticks.length);
      return this.say(ticks);
    }
    const body = this.text.slice(this.i, end).replaceAll("\n", " ");
    this.i = end + ticks.length;
    this.parts.push({ t: "code", v: /^ .*[^ ].* $/.test(body) ? body.slice(1, -1) : body });
  }

  /** Where the next run of just as many backticks begins. */
  private closing(ticks: string): number {
    for (let at = this.text.indexOf(ticks, this.i); at >= 0; at = this.text.indexOf(ticks, at)) {
      let end = at;
      while (this.text.charAt(end) === "`") end++;
      if (end - at === ticks.length) return at;
      at = end;
    }
    return -1;
  }

  private marks(): void {
    const before = this.i > 0 ? this.text.charAt(this.i - 1) : " ";
    const marks = this.match(MARKS)?.[0] ?? "";
    const after = this.text.charAt(this.i) || " ";
    const ch = marks.charAt(0);
    const spaceBefore = /\s/.test(before);
    const spaceAfter = /\s/.test(after);
    const left = !spaceAfter && (!PUNCTUATION.test(after) || spaceBefore || PUNCTUATION.test(before));
    const right = !spaceBefore && (!PUNCTUATION.test(before) || spaceAfter || PUNCTUATION.test(after));
    const isWord = ch === "_";
    this.parts.push({
      t: "run", ch, n: marks.length, size: marks.length,
      opens: left && (!isWord || !right || PUNCTUATION.test(before)),
      closes: right && (!isWord || !left || PUNCTUATION.test(after)),
    });
  }

  private open(isImage: boolean): void {
    this.brackets.push(this.parts.length);
    this.parts.push({ t: "bracket", isImage, isActive: true });
    this.i += isImage ? 2 : 1;
  }

  private close(): void {
    const at = this.brackets.pop();
    const opener = at === undefined ? undefined : this.parts[at];
    if (at === undefined || opener?.t !== "bracket" || !opener.isActive) return this.literal();
    this.i++;
    const target = this.match(TARGET);
    if (!target) return this.say("]");
    const label = settle(this.parts.splice(at).slice(1)).flatMap(withoutLinks);
    const url = safeUrl((target[1] ?? target[2] ?? "").replace(/\\([!-/:-@[-`{-~])/g, "$1"));
    if (!url) {
      this.parts.push(...label);
      return;
    }
    this.parts.push({ t: "a", url, c: label.length ? label : [{ t: "text", v: url.host }] });
    for (const index of this.brackets) {
      const outer = this.parts[index];
      if (outer?.t === "bracket" && !opener.isImage) outer.isActive = false;
    }
  }

  private angle(): void {
    const found = this.match(ANGLE);
    if (!found) return this.literal();
    const label = found[1] ?? "";
    const url = safeUrl(/^[a-z]+:/i.test(label) ? label : `mailto:${label}`);
    if (url) this.parts.push({ t: "a", url, c: [{ t: "text", v: label }] });
    else this.say(found[0]);
  }

  private bare(): void {
    const before = this.i > 0 ? this.text.charAt(this.i - 1) : " ";
    const found = /[\p{L}\p{N}]/u.test(before) ? null : this.match(BARE);
    if (!found) return this.literal();
    const label = trimUrl(found[0]);
    this.i -= found[0].length - label.length;
    const url = safeUrl(label);
    if (url) this.parts.push({ t: "a", url, c: [{ t: "text", v: label }] });
    else this.say(label);
  }

  private entity(): void {
    const found = this.match(ENTITY);
    if (!found) return this.literal();
    const code = found[1] ? Number.parseInt(found[1], 10) : found[2] ? Number.parseInt(found[2], 16) : 0;
    const isChar = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    this.say(found[3] ? (NAMED[found[3].toLowerCase()] ?? "") : isChar ? String.fromCodePoint(code) : "\ufffd");
  }
}

/** A bare address without the sentence's punctuation after it; a closing bracket stays if it was opened inside. */
function trimUrl(url: string): string {
  let end = url.length;
  let surplus = [...url].reduce((sum, char) => sum + (char === ")" ? 1 : char === "(" ? -1 : 0), 0);
  for (; end > 0; end--) {
    const char = url.charAt(end - 1);
    if (char === ")" ? surplus-- <= 0 : !"?!.,:;*_~'|".includes(char)) break;
  }
  return url.slice(0, end);
}

const withoutLinks = (node: Inline): Inline[] => (node.t === "a" ? node.c : [node]);

/** Pairs the emphasis marks and turns what found no partner into text. */
function settle(parts: Part[]): Inline[] {
  const stack: { run: Run; at: Inline[] }[] = [];
  let here: Inline[] = [];
  const root = here;
  for (const part of parts) {
    if (part.t === "bracket") here.push({ t: "text", v: part.isImage ? "![" : "[" });
    else if (part.t !== "run") here.push(part);
    else here = takeRun(part, stack, here);
  }
  while (stack.length) here = unopen(stack, here);
  return join(here === root ? root : here);
}

function takeRun(run: Run, stack: { run: Run; at: Inline[] }[], inner: Inline[]): Inline[] {
  let here = inner;
  while (run.closes && run.n > 0) {
    const index = stack.findLastIndex(({ run: open }) => pairs(open, run));
    if (index < 0) break;
    while (stack.length > index + 1) here = unopen(stack, here);
    const open = stack[index];
    if (!open) break;
    const use = run.ch === "~" ? run.n : Math.min(2, run.n, open.run.n);
    const node: Inline = { t: run.ch === "~" ? "del" : use === 2 ? "strong" : "em", c: join(here) };
    open.run.n -= use;
    run.n -= use;
    if (open.run.n === 0) {
      stack.pop();
      here = open.at;
      here.push(node);
    } else here = [node];
  }
  if (run.n === 0) return here;
  if (run.opens && stack.length < 64) {
    stack.push({ run, at: here });
    return [];
  }
  here.push({ t: "text", v: run.ch.repeat(run.n) });
  return here;
}

function pairs(open: Run, close: Run): boolean {
  if (open.ch !== close.ch) return false;
  if (open.ch === "~") return open.n === close.n;
  const isBoth = (open.closes || close.opens) && (open.size + close.size) % 3 === 0;
  return !isBoth || (open.size % 3 === 0 && close.size % 3 === 0);
}

/** The innermost open mark found no partner: it is text, and what it held belongs to what is outside. */
function unopen(stack: { run: Run; at: Inline[] }[], inner: Inline[]): Inline[] {
  const open = stack.pop();
  if (!open) return inner;
  open.at.push({ t: "text", v: open.run.ch.repeat(open.run.n) }, ...inner);
  return open.at;
}

/** Neighbouring texts as one. */
function join(nodes: Inline[]): Inline[] {
  const joined: Inline[] = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (node.t === "text" && last?.t === "text") joined[joined.length - 1] = { t: "text", v: last.v + node.v };
    else joined.push(node);
  }
  return joined;
}
