import cliTruncate from 'cli-truncate';
import ora from 'ora';
import type { Event, ItemStatus } from '../core/events.ts';
import type { EventRenderer } from './events.ts';
import { plainLine } from './plain.ts';
import { createStyle, type Style } from './style.ts';
import { countWords, sanitizeLine } from './text.ts';

/** Items that have a line of their own; the others are counted. */
const SHOWN = 10;
/** Lines of a failed item's log that stay on the screen. */
const LOG_TAIL = 20;

interface Item {
  status: ItemStatus;
  state: string;
  /** Milliseconds, monotonic. */
  since: number;
  detail: string;
  log: string[];
}

/**
 * For a terminal: the current step and a line per active item at the bottom, drawn by ora. Warnings and the log of what
 * failed are written above and stay; at the end the rest is gone.
 */
export function liveRenderer(stream: NodeJS.WriteStream, color: boolean): EventRenderer {
  const style = createStyle(color);
  const items = new Map<string, Item>();
  let since = performance.now();
  let ended = false;
  const spinner = ora({
    stream,
    isEnabled: true,
    // Otherwise the terminal would be in raw mode, where Ctrl-C sends no signal.
    discardStdin: false,
    color: color ? 'cyan' : false,
    suffixText: () => [style.dim(seconds(since)), ...itemLines(items, stream.columns, style)].join('\n'),
  });
  // While it spins, ora draws what is written to the stream above its own lines.
  const above = (lines: readonly string[]) => void stream.write(lines.map((line) => `${line}\n`).join(''));

  return {
    show(event) {
      if (ended) return;
      if (event.type === 'warning') return above([style.yellow(plainLine(event))]);
      if (event.type === 'step') {
        spinner.text = style.bold(sanitizeLine(event.message));
        since = performance.now();
      } else if (event.type === 'log') addLog(items, event);
      else {
        const log = items.get(event.item)?.log ?? [];
        if (event.status === 'failed') above(failure(event, log, style));
        update(items, event);
      }
      spinner.start();
    },
    end() {
      ended = true;
      if (spinner.isSpinning) spinner.stop();
    },
  };
}

function addLog(items: ReadonlyMap<string, Item>, event: Event & { type: 'log' }): void {
  const item = items.get(event.item);
  if (item === undefined) return;
  item.detail = sanitizeLine(event.line);
  item.log.push(item.detail);
  if (item.log.length > LOG_TAIL) item.log.shift();
}

function update(items: Map<string, Item>, event: Event & { type: 'item' }): void {
  const before = items.get(event.item);
  items.set(event.item, {
    status: event.status,
    state: event.state,
    since: before?.status === 'active' ? before.since : performance.now(),
    detail: sanitizeLine(event.detail ?? ''),
    log: before?.log ?? [],
  });
}

function failure(event: Event & { type: 'item' }, log: readonly string[], style: Style): readonly string[] {
  const detail = event.detail ? `: ${sanitizeLine(event.detail)}` : '';
  const head = `${style.red('✗')} ${style.bold(sanitizeLine(event.item))} failed${detail}`;
  return [head, ...log.map((line) => `${style.dim('│')} ${line}`)];
}

/** The active items, each on a row of its own, and one line that counts the others. */
function itemLines(items: ReadonlyMap<string, Item>, columns: number, style: Style): readonly string[] {
  const shown = [...items].filter(([, { status }]) => status === 'active').slice(0, SHOWN);
  const lines = shown.map(
    ([name, { state, since, detail }]) =>
      `  ${sanitizeLine(name)}  ${state}  ${seconds(since)}  ${style.dim(detail)}`,
  );
  const names = new Set(shown.map(([name]) => name));
  const others = [...items].filter(([name]) => !names.has(name)).map(([, { state }]) => state);
  if (others.length > 0) lines.push(style.dim(`  ${countWords(others)}`));
  return lines.map((line) => cliTruncate(line, columns));
}

/** The time since then: `4.2s`, `3m07s`. */
function seconds(since: number): string {
  const elapsed = performance.now() - since;
  const whole = Math.floor(elapsed / 1000);
  return whole < 60
    ? `${(elapsed / 1000).toFixed(1)}s`
    : `${Math.floor(whole / 60)}m${`${whole % 60}`.padStart(2, '0')}s`;
}
