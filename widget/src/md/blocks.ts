// Markdown into blocks, line by line. A block is decided by its own lines and the one after it, never by an earlier block:
// so a text may be lexed block by block while it grows and gives the same blocks however it was cut.

export type Align = "" | "start" | "center" | "end";
export interface ListItem { raw: string; checked: boolean | null; blocks: Block[] }
export type Block = { raw: string; at: number } & (
  | { t: "p"; text: string }
  | { t: "h"; n: number; text: string }
  | { t: "code"; lang: string; text: string }
  | { t: "quote"; blocks: Block[] }
  | { t: "list"; start: number | null; items: ListItem[] }
  | { t: "table"; align: Align[]; head: string[]; rows: string[][] }
  | { t: "hr" }
);
type Made = Block extends infer B ? (B extends Block ? Omit<B, "raw" | "at"> : never) : never;

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*(.*)$/;
const HEADING = /^ {0,3}(#{1,6})(?=[ \t]|$)(.*)$/;
const RULE = /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?:( +)(?=\S)|[ \t]*$)/;
const TASK = /^\[([ xX])\] +(?=\S)/;
/** Deeper nesting than this is text: nobody reads it and it must cost nothing. */
const MAX_DEPTH = 8;

const isBlank = (line: string): boolean => line.trim() === "";
const indentOf = (line: string): number => line.length - line.trimStart().length;

/** The blocks of `text`. `at` is where a block's first line begins, in UTF-16 units. */
export function lexBlocks(text: string, depth = 0): Block[] {
  return new BlockLexer(text, depth).run();
}

class BlockLexer {
  private readonly _lines: string[];
  private _i = 0;

  constructor(text: string, private readonly _depth: number) {
    this._lines = text.split("\n");
  }

  run(): Block[] {
    const blocks: Block[] = [];
    let offset = 0;
    while (this._i < this._lines.length) {
      const from = this._i;
      const made = isBlank(this._line(from)) ? this._skip() : this._block();
      const raw = this._lines.slice(from, this._i).join("\n");
      if (made) blocks.push({ ...made, raw, at: offset });
      offset += raw.length + 1;
    }
    return blocks;
  }

  private _line(i: number): string {
    return (this._lines[i] ?? "").replace(/^[ \t]*\t/, (lead) => lead.replaceAll("\t", "    "));
  }

  private _skip(): undefined {
    this._i++;
    return undefined;
  }

  private _block(): Made {
    const line = this._line(this._i);
    const fence = fenceOf(line);
    if (fence) return this._code(fence.mark, fence.info);
    const heading = HEADING.exec(line);
    if (heading) return this._heading(heading);
    if (RULE.test(line)) {
      this._i++;
      return { t: "hr" };
    }
    if (this._depth < MAX_DEPTH) {
      if (QUOTE.test(line)) return this._quote();
      const item = ITEM.exec(line);
      if (item && indentOf(line) < 4) return this._list(item);
    }
    const align = this._tableAt(this._i);
    return align ? this._table(align) : this._paragraph();
  }

  private _heading([, marks = "", rest = ""]: RegExpExecArray): Made {
    this._i++;
    let text = rest.trim();
    const bare = text.replace(/#+$/, "");
    if (bare === "" || /[ \t]$/.test(bare)) text = bare.trim();
    return { t: "h", n: marks.length, text };
  }

  private _code(mark: string, info: string): Made {
    const indent = indentOf(this._line(this._i++));
    const body: string[] = [];
    for (; this._i < this._lines.length; this._i++) {
      const line = this._line(this._i).trim();
      if (line.length >= mark.length && line === mark.charAt(0).repeat(line.length)) {
        this._i++;
        break;
      }
      body.push(stripIndent(this._lines[this._i] ?? "", indent));
    }
    return { t: "code", lang: info.trim().split(/\s/)[0] ?? "", text: body.join("\n") };
  }

  private _quote(): Made {
    const body: string[] = [];
    for (; this._i < this._lines.length; this._i++) {
      const line = this._line(this._i);
      if (QUOTE.test(line)) body.push(line.replace(QUOTE, ""));
      else if (!this._continues(line, body.at(-1) ?? "")) break;
      else body.push(line);
    }
    return { t: "quote", blocks: lexBlocks(body.join("\n"), this._depth + 1) };
  }

  private _list(first: RegExpExecArray): Made {
    const kind = kindOf(first[2] ?? "");
    const base = (first[1] ?? "").length;
    const items: string[][] = [];
    let width = 0;
    let fence = "";
    for (; this._i < this._lines.length; this._i++) {
      const line = this._line(this._i);
      const body = items.at(-1);
      const indent = indentOf(line);
      const item: RegExpExecArray | null = ITEM.exec(line);
      if (body && isBlank(line)) body.push("");
      else if (body && (indent >= width || (item && !fence && indent >= base + 2))) body.push(stripIndent(line, width));
      else if (item && kindOf(item[2] ?? "") === kind && !RULE.test(line)) {
        width = item[0].length > indent + (item[2] ?? "").length + 4 || !item[3] ? indent + (item[2] ?? "").length + 1 : item[0].length;
        items.push([line.slice(width)]);
        fence = "";
      } else if (body && !fence && this._continues(line, body.at(-1) ?? "")) body.push(line.trimStart());
      else break;
      fence = fenceAfter(fence, items.at(-1)?.at(-1) ?? "");
    }
    const start = /\d/.test(kind) ? Number.parseInt(first[2] ?? "1", 10) : null;
    return { t: "list", start, items: items.map((lines) => this._item(lines.join("\n").trimEnd())) };
  }

  private _item(raw: string): ListItem {
    const task = TASK.exec(raw);
    return { raw, checked: task ? task[1] !== " " : null, blocks: lexBlocks(task ? raw.slice(task[0].length) : raw, this._depth + 1) };
  }

  /** The alignments, if line `i` is the head of a table: a row of cells with a delimiter row of as many under it. */
  private _tableAt(i: number): Align[] | undefined {
    const head = this._line(i);
    if (!head.includes("|") || i + 1 >= this._lines.length) return undefined;
    const rule = this._line(i + 1);
    if (!/^[ \t|:-]+$/.test(rule) || !rule.includes("-")) return undefined;
    const cells = cellsOf(rule);
    if (cells.length !== cellsOf(head).length || !cells.every((cell) => /^:?-+:?$/.test(cell))) return undefined;
    return cells.map((cell) => (cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : cell.startsWith(":") ? "start" : ""));
  }

  private _table(align: Align[]): Made {
    const head = cellsOf(this._line(this._i));
    const rows: string[][] = [];
    for (this._i += 2; this._i < this._lines.length; this._i++) {
      const line = this._line(this._i);
      if (isBlank(line) || this._interrupts(line)) break;
      const cells = cellsOf(line);
      rows.push(align.map((_, column) => cells[column] ?? ""));
    }
    return { t: "table", align, head, rows };
  }

  private _paragraph(): Made {
    const body = [this._line(this._i++)];
    for (; this._i < this._lines.length; this._i++) {
      const line = this._line(this._i);
      if (isBlank(line)) break;
      const under = UNDERLINE.exec(line);
      if (under) {
        this._i++;
        return { t: "h", n: line.includes("=") ? 1 : 2, text: trimLines(body) };
      }
      if (this._interrupts(line) || this._tableAt(this._i)) break;
      body.push(line);
    }
    return { t: "p", text: trimLines(body) };
  }

  /** Whether `line` starts a block even directly under a paragraph. */
  private _interrupts(line: string): boolean {
    if (fenceOf(line) || HEADING.test(line) || RULE.test(line)) return true;
    if (this._depth >= MAX_DEPTH) return false;
    const item = ITEM.exec(line);
    return QUOTE.test(line) || Boolean(item?.[3] && indentOf(line) < 4 && /^([-*+]|1[.)])$/.test(item[2] ?? ""));
  }

  /** Whether `line` goes on the paragraph that `before` is the last line of, though it lacks the container's prefix. */
  private _continues(line: string, before: string): boolean {
    return !isBlank(line) && !isBlank(before) && !this._interrupts(line) && !ITEM.test(line) && !fenceOf(before) && !HEADING.test(before);
  }
}

function fenceOf(line: string): { mark: string; info: string } | undefined {
  const [, mark = "", info = ""] = FENCE.exec(line) ?? [];
  return mark && !(mark.startsWith("`") && info.includes("`")) ? { mark, info } : undefined;
}

/** The fence that is open after `line`, given the one that was open before it. */
function fenceAfter(open: string, line: string): string {
  const found = fenceOf(line);
  if (!open) return found?.mark ?? "";
  return found && found.info.trim() === "" && found.mark.startsWith(open) ? "" : open;
}

const kindOf = (marker: string): string => (/\d/.test(marker) ? `1${marker.slice(-1)}` : marker);

function stripIndent(line: string, width: number): string {
  return line.slice(Math.min(width, indentOf(line)));
}

const trimLines = (lines: string[]): string => lines.map((line) => line.trimStart()).join("\n").trimEnd();

/** The cells of a table row; `\|` is a bar inside a cell. */
export function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let cell = "";
  const row = line.trim();
  for (let i = row.startsWith("|") ? 1 : 0; i < row.length; i++) {
    const char = row.charAt(i);
    if (char === "\\" && row.charAt(i + 1) === "|") {
      cell += "|";
      i++;
    } else if (char === "|") {
      cells.push(cell.trim());
      cell = "";
    } else cell += char;
  }
  if (cell.trim() !== "" || cells.length === 0) cells.push(cell.trim());
  return cells;
}
