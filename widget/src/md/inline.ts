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
/** Those that models write; any other stays as it is. */
const ENTITY = /&(amp|lt|gt|quot|#39|nbsp);/y;
const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };
const PUNCTUATION = /[\p{P}\p{S}]/u;

export function lexInline(text: string): Inline[] {
  return new InlineLexer(text).run();
}

class InlineLexer {
  private readonly _parts: Part[] = [];
  private readonly _brackets: number[] = [];
  private readonly _unclosed = new Set<number>();
  private _i = 0;

  constructor(private readonly _text: string) {}

  run(): Inline[] {
    while (this._i < this._text.length) this._one();
    return settle(this._parts);
  }

  private _match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this._i;
    const found = pattern.exec(this._text);
    if (found) this._i += found[0].length;
    return found;
  }

  private _say(v: string): void {
    const last = this._parts.at(-1);
    if (last?.t === "text") last.v += v;
    else this._parts.push({ t: "text", v });
  }

  private _one(): void {
    const plain = this._match(PLAIN);
    if (plain) return this._say(plain[0]);
    const escape = this._match(ESCAPE);
    if (escape) return this._say(escape[1] ?? "");
    switch (this._text.charAt(this._i)) {
      case "`": return this._code();
      case "*": case "_": case "~": return this._marks();
      case "[": return this._open(false);
      case "!": return this._text.charAt(this._i + 1) === "[" ? this._open(true) : this._literal();
      case "]": return this._close();
      case "<": return this._angle();
      case "&": return this._entity();
      case "h": return this._bare();
      case "\n": return this._lineBreak();
      case "\\": return this._text.charAt(this._i + 1) === "\n" ? void this._i++ : this._literal();
      default: return this._literal();
    }
  }

  private _literal(): void {
    this._say(this._text.charAt(this._i++));
  }

  private _lineBreak(): void {
    const last = this._parts.at(-1);
    if (last?.t === "text") last.v = last.v.trimEnd();
    this._parts.push({ t: "br" });
    this._i++;
  }

  private _code(): void {
    const ticks = this._match(TICKS)?.[0] ?? "";
    const end = this._unclosed.has(ticks.length) ? -1 : this._closing(ticks);
    if (end < 0) {
      this._unclosed.add(ticks.length);
      return this._say(ticks);
    }
    const body = this._text.slice(this._i, end).replaceAll("\n", " ");
    this._i = end + ticks.length;
    this._parts.push({ t: "code", v: /^ .*[^ ].* $/.test(body) ? body.slice(1, -1) : body });
  }

  /** Where the next run of just as many backticks begins. */
  private _closing(ticks: string): number {
    for (let at = this._text.indexOf(ticks, this._i); at >= 0; at = this._text.indexOf(ticks, at)) {
      let end = at;
      while (this._text.charAt(end) === "`") end++;
      if (end - at === ticks.length) return at;
      at = end;
    }
    return -1;
  }

  private _marks(): void {
    const before = this._i > 0 ? this._text.charAt(this._i - 1) : " ";
    const marks = this._match(MARKS)?.[0] ?? "";
    const after = this._text.charAt(this._i) || " ";
    const ch = marks.charAt(0);
    const spaceBefore = /\s/.test(before);
    const spaceAfter = /\s/.test(after);
    const left = !spaceAfter && (!PUNCTUATION.test(after) || spaceBefore || PUNCTUATION.test(before));
    const right = !spaceBefore && (!PUNCTUATION.test(before) || spaceAfter || PUNCTUATION.test(after));
    const isWord = ch === "_";
    this._parts.push({
      t: "run", ch, n: marks.length, size: marks.length,
      opens: left && (!isWord || !right || PUNCTUATION.test(before)),
      closes: right && (!isWord || !left || PUNCTUATION.test(after)),
    });
  }

  private _open(isImage: boolean): void {
    this._brackets.push(this._parts.length);
    this._parts.push({ t: "bracket", isImage, isActive: true });
    this._i += isImage ? 2 : 1;
  }

  private _close(): void {
    const at = this._brackets.pop();
    const opener = at === undefined ? undefined : this._parts[at];
    if (at === undefined || opener?.t !== "bracket" || !opener.isActive) return this._literal();
    this._i++;
    const target = this._match(TARGET);
    if (!target) return this._say("]");
    const label = settle(this._parts.splice(at).slice(1)).flatMap(withoutLinks);
    const url = safeUrl((target[1] ?? target[2] ?? "").replace(/\\([!-/:-@[-`{-~])/g, "$1"));
    if (!url) {
      this._parts.push(...label);
      return;
    }
    this._parts.push({ t: "a", url, c: label.length ? label : [{ t: "text", v: url.host }] });
    for (const index of this._brackets) {
      const outer = this._parts[index];
      if (outer?.t === "bracket" && !opener.isImage) outer.isActive = false;
    }
  }

  private _angle(): void {
    const found = this._match(ANGLE);
    if (!found) return this._literal();
    const label = found[1] ?? "";
    const url = safeUrl(/^[a-z]+:/i.test(label) ? label : `mailto:${label}`);
    if (url) this._parts.push({ t: "a", url, c: [{ t: "text", v: label }] });
    else this._say(found[0]);
  }

  private _bare(): void {
    const before = this._i > 0 ? this._text.charAt(this._i - 1) : " ";
    const found = /[\p{L}\p{N}]/u.test(before) ? null : this._match(BARE);
    if (!found) return this._literal();
    const label = trimUrl(found[0]);
    this._i -= found[0].length - label.length;
    const url = safeUrl(label);
    if (url) this._parts.push({ t: "a", url, c: [{ t: "text", v: label }] });
    else this._say(label);
  }

  private _entity(): void {
    const found = this._match(ENTITY);
    if (!found) return this._literal();
    this._say(ENTITIES[found[1] ?? ""] ?? "");
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
