/** A terminal small enough to be sure of: what the live view writes goes in, what a person would see comes out. */
export interface Screen {
  write(text: string): void;
  /** Visible rows without trailing blanks; no empty rows at the end. */
  rows(): readonly string[];
  readonly cursorVisible: boolean;
}

/** A screen of that width; lines wrap at it. It knows the sequences that the live view uses and throws at others. */
export function createScreen(columns: number): Screen {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  let cursorVisible = true;
  const put = (character: string) => {
    if (column === columns) {
      row += 1;
      column = 0;
    }
    while (lines.length <= row) lines.push([]);
    const line = lines[row] ?? [];
    while (line.length < column) line.push(' ');
    line[column] = character;
    column += 1;
  };
  const newline = () => {
    row += 1;
    column = 0;
    while (lines.length <= row) lines.push([]);
  };
  const control = (parameters: string, final: string) => {
    if (final === 'm' || parameters.startsWith('?2026')) return;
    if (final === 'A') row = Math.max(0, row - Number(parameters || 1));
    else if (final === 'J' && parameters === '0') {
      lines.length = row + 1;
      lines[row]?.splice(column);
    } else if (parameters === '?25') cursorVisible = final === 'h';
    else throw new Error(`the screen does not know ESC[${parameters}${final}`);
  };
  return {
    write(text) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is made of them
      for (const [token, parameters, final] of text.matchAll(/\u001b\[([?\d;]*)([A-Za-z])|[\s\S]/gu)) {
        if (final !== undefined) control(parameters ?? '', final);
        else if (token === '\r') column = 0;
        else if (token === '\n') newline();
        else if (token < ' ' || token === '\u007f')
          throw new Error(`control character ${JSON.stringify(token)}`);
        else put(token);
      }
    },
    rows() {
      const text = lines.map((line) => line.join('').trimEnd());
      while (text.at(-1) === '') text.pop();
      return text;
    },
    get cursorVisible() {
      return cursorVisible;
    },
  };
}
