// A growing text into blocks, lexing only its open end again.
import { type Block, lexBlocks } from "./blocks";

export class GrowingLexer {
  private text = "";
  /** Everything before this offset is in blocks that no further text can change. */
  private settled = 0;
  private done: Block[] = [];

  /** The blocks of `text`, the same as lexing it whole. Cheap if it continues the text of the last call. */
  update(text: string): readonly Block[] {
    if (!text.startsWith(this.text)) {
      this.settled = 0;
      this.done = [];
    }
    this.text = text;
    this.settle();
    return [...this.done, ...lexBlocks(text.slice(this.settled))];
  }

  /** Whole lines decide: all blocks but the last of them are as they will stay. */
  private settle(): void {
    const end = this.text.lastIndexOf("\n") + 1;
    if (end <= this.settled) return;
    const blocks = lexBlocks(this.text.slice(this.settled, end));
    const last = blocks.pop();
    if (!last || !blocks.length) return;
    this.done.push(...blocks);
    this.settled += last.at;
  }
}
