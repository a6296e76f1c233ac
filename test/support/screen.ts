import { EventEmitter } from 'node:events';
import { clearLine, cursorTo, moveCursor } from 'node:readline';
import { Terminal } from '@xterm/headless';

/** A terminal emulator: what a program writes to `stream` goes in, what a person would see comes out. */
export interface Screen {
  readonly stream: NodeJS.WriteStream;
  /** Visible rows without trailing blanks; no empty rows at the end. */
  rows(): Promise<readonly string[]>;
  /** All that was written, with its control sequences. */
  written(): string;
}

/** A screen of that size, with as many lines of history as are written. */
export function createScreen(columns: number, rows: number): Screen {
  const terminal = new Terminal({ cols: columns, rows, allowProposedApi: true, convertEol: true });
  let written = '';
  const write = (text: string) => {
    written += text;
    terminal.write(text);
    return true;
  };
  const stream = Object.assign(new EventEmitter(), {
    isTTY: true,
    columns,
    rows,
    write,
    cursorTo: (x: number) => cursorTo(stream, x),
    moveCursor: (x: number, y: number) => moveCursor(stream, x, y),
    clearLine: (direction: -1 | 0 | 1) => clearLine(stream, direction),
  }) as unknown as NodeJS.WriteStream;
  return {
    stream,
    async rows() {
      // The emulator parses in turns of its own; its callback comes after all that was written before.
      await new Promise<void>((done) => terminal.write('', done));
      const { active } = terminal.buffer;
      const lines = Array.from(
        { length: active.length },
        (_, row) => active.getLine(row)?.translateToString().trimEnd() ?? '',
      );
      while (lines.at(-1) === '') lines.pop();
      return lines;
    },
    written: () => written,
  };
}
