import cliTruncate from 'cli-truncate';
import ora from 'ora';
import type { Event, ItemStatus } from '../core/events.ts';
import type { EventRenderer } from './events.ts';
import { plainLine } from './plain.ts';
import { createStyle, type Style } from './style.ts';
import { table } from './table.ts';
import { countWords, sanitizeLine } from './text.ts';
import { hangWithin } from './wrap.ts';

/** Items that have a line of their own; the others are counted. */
const SHOWN = 10;
/** Lines of a failed item's log that stay on the screen. */
const LOG_TAIL = 20;

type ItemEvent = Event & { type: 'item' };

interface Item {
  readonly status: ItemStatus;
  readonly state: string;
  /** Milliseconds, monotonic. */
  readonly since: number;
  detail: string;
  readonly log: string[];
}

interface Step {
  readonly message: string;
  readonly total: number | undefined;
  /** Milliseconds, monotonic. */
  readonly since: number;
}

/**
 * For a terminal: the current step with what is done of it, and a line per active item, at the bottom, drawn by ora.
 * Warnings and the log of what failed are written above and stay; at the end the rest is gone.
 */
export function liveRenderer(stream: NodeJS.WriteStream, color: boolean): EventRenderer {
  const style = createStyle(color, (prefix, text) => hangWithin(stream.columns)(prefix, text));
  const items = new Map<string, Item>();
  let step: Step = { message: '', total: undefined, since: performance.now() };
  let ended = false;
  const spinner = ora({
    stream,
    isEnabled: true,
    // Otherwise the terminal would be in raw mode, where Ctrl-C sends no signal.
    discardStdin: false,
    color: color ? 'cyan' : false,
    suffixText: () =>
      [style.dim(progressOf(step, items)), ...itemLines(items, stream.columns, style)].join('\n'),
  });
  // While it spins, ora draws what is written to the stream above its own lines.
  const above = (lines: readonly string[]) => void stream.write(lines.map((line) => `${line}\n`).join(''));

  return {
    show(event) {
      if (ended) return;
      if (event.type === 'warning') return above([style.hang('', style.yellow(plainLine(event)))]);
      if (event.type === 'step') {
        spinner.text = style.bold(sanitizeLine(event.message));
        step = { message: event.message, total: event.total, since: performance.now() };
        // They count for the step in which they were done.
        for (const [name, { status }] of items) if (status === 'done') items.delete(name);
      } else if (event.type === 'log') addLog(items, event);
      else {
        if (event.status === 'failed') above(failure(event, items.get(event.item)?.log ?? [], style));
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

function update(items: Map<string, Item>, event: ItemEvent): void {
  const before = items.get(event.item);
  items.set(event.item, {
    status: event.status,
    state: event.state,
    since: before?.status === 'active' ? before.since : performance.now(),
    detail: sanitizeLine(event.detail ?? ''),
    log: before?.log ?? [],
  });
}

/** Why it failed is in the result, once. */
function failure(event: ItemEvent, log: readonly string[], style: Style): readonly string[] {
  const head = `${style.red('✗')} ${style.bold(sanitizeLine(event.item))} failed`;
  const bar = style.dim('│');
  return [head, ...log.map((line) => style.hang(`${bar} `, line).replaceAll('\n  ', `\n${bar} `))];
}

/** Progress and elapsed time of the step: `1 of 3 done, 1 failed  12.3s`. */
function progressOf({ total, since }: Step, items: ReadonlyMap<string, Item>): string {
  if (total === undefined) return seconds(since);
  const count = (wanted: ItemStatus) => [...items.values()].filter(({ status }) => status === wanted).length;
  const failed = count('failed');
  return `${count('done')} of ${total} done${failed === 0 ? '' : `, ${failed} failed`}  ${seconds(since)}`;
}

/** The active items in aligned columns, each on a row of its own, and one line that counts those that wait or failed. */
function itemLines(items: ReadonlyMap<string, Item>, columns: number, style: Style): readonly string[] {
  const shown = [...items].filter(([, { status }]) => status === 'active').slice(0, SHOWN);
  const rows = shown.map(([name, { state, since, detail }]) => [
    `  ${sanitizeLine(name)}`,
    state,
    seconds(since),
    style.dim(detail),
  ]);
  // Not wrapped: a row per item, cut at the edge.
  const lines = table(rows, createStyle(false)).split('\n').slice(0, -1);
  const names = new Set(shown.map(([name]) => name));
  const others = [...items].filter(([name, { status }]) => !names.has(name) && status !== 'done');
  if (others.length > 0) lines.push(style.dim(`  ${countWords(others.map(([, { state }]) => state))}`));
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
