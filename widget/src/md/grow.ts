// A growing text into blocks, lexing only its open end again.
import { type Block, lexBlocks } from "./blocks";

export class GrowingLexer {
  private _text = "";
  /** Everything before this offset is in blocks that no further text can change. */
  private _settled = 0;
  private _done: Block[] = [];

  /** The blocks of `text`, the same as lexing it whole. Cheap if it continues the text of the last call. */
  update(text: string): readonly Block[] {
    if (!text.startsWith(this._text)) {
      this._settled = 0;
      this._done = [];
    }
    this._text = text;
    this._settle();
    return [...this._done, ...lexBlocks(text.slice(this._settled))];
  }

  /** Whole lines decide: all blocks but the last of them are as they will stay. */
  private _settle(): void {
    const end = this._text.lastIndexOf("\n") + 1;
    if (end <= this._settled) return;
    const blocks = lexBlocks(this._text.slice(this._settled, end));
    const last = blocks.pop();
    if (!last || !blocks.length) return;
    this._done.push(...blocks);
    this._settled += last.at;
  }
}
