import type { Event, ItemStatus } from '../core/events.ts';
import type { EventRenderer, Write } from './events.ts';
import { plainLine } from './plain.ts';
import { createStyle, type Style } from './style.ts';
import { sanitizeLine } from './text.ts';

const FRAME_MS = 100;
const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'];
/** Lines of a failed component's log that stay on the screen. */
const LOG_TAIL = 20;
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Synchronised output: terminals that know it show a frame at once; others ignore it. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
const CLEAR_BELOW = '\u001b[0J';

/** A terminal: its size may change between two frames. */
export interface Terminal {
  readonly write: Write;
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly color: boolean;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

interface Line {
  status: ItemStatus;
  state: string;
  since: number;
  detail: string;
  log: string[];
}

/**
 * A block at the bottom of the terminal: the current step and one line per component that is being worked on. What
 * should stay (warnings, the log of what failed) is written above it; at the end the block is gone.
 */
export function liveRenderer(terminal: Terminal): EventRenderer {
  const style = createStyle(terminal.color, 0);
  const lines = new Map<string, Line>();
  let step: { message: string; since: number } | undefined;
  let drawn: readonly number[] = [];
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  /** Replaces the block by `above` and the block's next state, in one write. */
  const draw = (above: string, block: readonly string[]) => {
    const { columns } = terminal.size();
    // A terminal that became narrower has wrapped what was drawn: count the rows it takes now.
    const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const up = rows === 0 ? '' : `\r\u001b[${rows}A`;
    const cut = block.map((line) => clip(line, columns - 1));
    drawn = cut.map(({ width }) => width);
    terminal.write(
      `${BEGIN_FRAME}${up}${CLEAR_BELOW}${above}${cut.map(({ text }) => `${text}\n`).join('')}${END_FRAME}`,
    );
  };
  const frame = (above = '') => draw(above, blockOf(step, lines, terminal, style));

  return {
    show(event) {
      if (ended) return;
      if (timer === undefined) {
        terminal.write(HIDE_CURSOR);
        timer = setInterval(frame, FRAME_MS);
        timer.unref();
      }
      const now = terminal.now();
      if (event.type === 'step') step = { message: sanitizeLine(event.message), since: now };
      else if (event.type === 'warning') frame(`${style.yellow(plainLine(event))}\n`);
      else if (event.type === 'log') note(lines, event);
      else {
        const before = lines.get(event.item);
        update(lines, event, now);
        if (event.status === 'failed') frame(failure(event, before?.log ?? [], style));
      }
    },
    end() {
      if (ended) return;
      ended = true;
      clearInterval(timer);
      if (timer !== undefined) {
        draw('', []);
        terminal.write(SHOW_CURSOR);
      }
    },
  };
}

function note(lines: ReadonlyMap<string, Line>, event: Event & { type: 'log' }): void {
  const line = lines.get(event.item);
  if (line === undefined) return;
  line.detail = sanitizeLine(event.line);
  line.log.push(line.detail);
  if (line.log.length > LOG_TAIL) line.log.shift();
}

function update(lines: Map<string, Line>, event: Event & { type: 'item' }, now: number): void {
  const before = lines.get(event.item);
  lines.set(event.item, {
    status: event.status,
    state: event.state,
    since: before === undefined || before.status !== 'active' ? now : before.since,
    detail: sanitizeLine(event.detail ?? ''),
    log: before?.log ?? [],
  });
}

function failure(event: Event & { type: 'item' }, log: readonly string[], style: Style): string {
  const head = `${style.red('✗')} ${style.bold(event.item)} failed${event.detail ? `: ${sanitizeLine(event.detail)}` : ''}\n`;
  return head + log.map((line) => `${style.dim('│')} ${line}\n`).join('');
}

/** The step, the components in work, and one line that counts the others. */
function blockOf(
  step: { message: string; since: number } | undefined,
  lines: ReadonlyMap<string, Line>,
  terminal: Terminal,
  style: Style,
): readonly string[] {
  const now = terminal.now();
  const spinner = SPINNER[Math.floor(now / FRAME_MS) % SPINNER.length] ?? '';
  const active = [...lines].filter(([, line]) => line.status === 'active');
  const room = Math.max(1, terminal.size().rows - 4);
  const shown = active.slice(0, room);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  const block = shown.map(
    ([name, { state, since, detail }]) =>
      `${spinner} ${name.padEnd(width)}  ${state.padEnd(10)} ${seconds(now - since).padStart(6)}  ${style.dim(detail)}`,
  );
  const names = new Set(shown.map(([name]) => name));
  const others = [...lines].filter(([name]) => !names.has(name));
  if (step !== undefined)
    block.unshift(`${style.bold(step.message)} ${style.dim(seconds(now - step.since))}`);
  if (others.length > 0) block.push(style.dim(countStates(others)));
  return block;
}

/** `3 built, 1 failed, 12 planned`, in the order in which they were seen. */
function countStates(lines: readonly (readonly [string, Line])[]): string {
  const counts = new Map<string, number>();
  for (const [, { state }] of lines) counts.set(state, (counts.get(state) ?? 0) + 1);
  return `  ${[...counts].map(([state, count]) => `${count} ${state}`).join(', ')}`;
}

function seconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000);
  return whole < 60
    ? `${(milliseconds / 1000).toFixed(1)}s`
    : `${Math.floor(whole / 60)}m${`${whole % 60}`.padStart(2, '0')}s`;
}

/** Cuts a line to a width; colour takes none and is closed again. */
function clip(line: string, columns: number): { readonly text: string; readonly width: number } {
  let text = '';
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    if (part.startsWith('\u001b')) text += part;
    else {
      const room = [...part].slice(0, Math.max(0, columns - width));
      text += room.join('');
      width += room.length;
    }
  }
  return { text, width };
}
