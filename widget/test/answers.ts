/** What models write, a sample of each construct and of their meeting. */
export const ANSWERS = [
  "plain words", "two\nlines", "one\n\ntwo", "# Title\n\ntext", "## *Two* words ##\ntext under", "Title\n=====\n\nSub\n---\ntext",
  "**bold** and *italic* and ***both*** and ~~gone~~", "snake_case_name and 2*3*4 and __strong__ and _em_",
  "**bold *inner* rest** *it **st** it*", "a ** b ** c * d", "**unclosed and `code ** here`", "`a` ``b ` c`` `` ` ``",
  "- one\n- two\n- three", "* one\n* two", "1. one\n2. two\n3. three", "3. three\n4. four", "- a\n  - b\n    - c\n  - d\n- e",
  "1. a\n   - b\n   - c\n2. d", "- a\n\n- b\n\n- c", "- a\n\n  more of a\n- b", "- a\nlazy\n- b", "text\n- item\n- item\n\ntext",
  "- [x] done\n- [ ] open", "- ```py\n  x = 1\n  ```\n- next", "1. step\n\n   ```sh\n   ls\n   ```\n\n2. step",
  "> quote\n> more\n\ntext", "> a\nlazy\n\nb", "> - a\n> - b", "> # T\n> text\n>\n> next", "> > deep",
  "```python\ndef f():\n    return 1\n```", "```\nno lang\n\n\nblank\n```\nafter", "~~~js\n`x`\n~~~", "````\n```\n````", "```open\nnever closed",
  "| a | b |\n|---|:-:|\n| 1 | 2 |\n| 3 |\n\nafter", "a | b\n--|--\n1 | `x`\n", "text\n\n| x |\n| - |\n| **y** |", "---", "***\ntext\n___",
  "[label](https://example.com/a?b=c) and <https://example.com/x>", "[**b** `c`](https://example.com/)", "see https://example.com/path, ok",
  "(https://example.com/a_(b)) end", "[t](https://example.com/ \"title\")", "\\*not em\\* and \\# and \\[x\\]", "line\\\nbreak", "a  \nb",
  "1) one\n2) two", "+ plus\n+ list", "- a\n- b\n* c", "#not a heading", "####### seven", "text\n# heading\nmore", "- item\n# heading",
  "**Note:** use `x`.\n\n- **A**: b\n- **C**: d", "*a*b *c* d*e*", "5 * 3 = 15 and 4 * 2", "_a_b_ __c__d", "$5 and $6, 100%", "a<b and c>d",
];

/** A small generator with a seed: the same cases in every run. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}
