import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import { liveRenderer } from '../../../src/render/live.ts';
import { createScreen } from '../../support/screen.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(columns = 80, rows = 24) {
  const screen = createScreen(columns);
  const size = { columns, rows };
  const renderer = liveRenderer({
    write: screen.write,
    size: () => size,
    color: false,
    now: () => Date.now(),
  });
  const show = (...events: Event[]) => {
    for (const event of events) renderer.show(event);
    vi.advanceTimersByTime(100);
  };
  return { screen, renderer, show, size };
}

const STATUS = { planned: 'waiting', building: 'active', pushing: 'active', failed: 'failed' } as const;

const at = (item: string, state: keyof typeof STATUS, detail?: string): Event => ({
  type: 'item',
  item,
  status: STATUS[state],
  state,
  ...(detail === undefined ? {} : { detail }),
});

describe('the live view', () => {
  test('has the step, a line per component in work and a count of the others', () => {
    const { screen, show } = start();
    show(
      { type: 'step', step: 'build', message: 'Building 2 components' },
      at('domain/orders', 'building'),
      at('process/checkout', 'planned'),
      { type: 'log', item: 'domain/orders', line: 'RUN go build' },
    );
    expect(screen.rows()).toEqual([
      'Building 2 components 0.1s',
      expect.stringMatching(/^\S domain\/orders {2}building +0\.1s {2}RUN go build$/),
      '  1 planned',
    ]);
    expect(screen.cursorVisible).toBe(false);
  });

  test('is redrawn in place, and gone at the end with the cursor back', () => {
    const { screen, renderer, show } = start();
    screen.write('$ primitive publish\n');
    show(at('a/b', 'building'));
    show(at('a/b', 'pushing'));
    vi.advanceTimersByTime(5000);
    expect(screen.rows()).toEqual([
      '$ primitive publish',
      expect.stringMatching(/^\S a\/b {2}pushing +5\.\ds/),
    ]);
    renderer.end();
    renderer.end();
    expect(screen.rows()).toEqual(['$ primitive publish']);
    expect(screen.cursorVisible).toBe(true);
  });

  test('leaves warnings and the last lines of what failed above itself', () => {
    const { screen, renderer, show } = start();
    const lines = Array.from(
      { length: 30 },
      (_, number): Event => ({ type: 'log', item: 'a/b', line: `line ${number}` }),
    );
    show(at('a/b', 'building'), at('c/d', 'building'), ...lines);
    show(
      { type: 'warning', code: 'slow', message: 'registry asks to wait' },
      at('a/b', 'failed', 'exit code 1'),
    );
    renderer.end();
    expect(screen.rows()).toEqual([
      'warning: registry asks to wait [slow]',
      '✗ a/b failed: exit code 1',
      ...Array.from({ length: 20 }, (_, number) => `│ line ${number + 10}`),
    ]);
  });

  test('never takes more than one row per component, nor more rows than the terminal has', () => {
    const { screen, show } = start(40, 10);
    show(
      ...Array.from({ length: 50 }, (_, number) =>
        at(`domain/a-rather-long-name-${number}`, 'building', 'x'.repeat(200)),
      ),
    );
    expect(screen.rows().length).toBeLessThan(10);
    expect(screen.rows().at(-1)).toBe('  44 building');
    for (const row of screen.rows()) expect(row.length).toBeLessThan(40);
  });

  test('cannot be steered by what it shows', () => {
    const { screen, renderer, show } = start();
    screen.write('before\n');
    show(at('a/b', 'building'), {
      type: 'log',
      item: 'a/b',
      line: '\u001b[2J\u001b[31mgone?\u001b]0;title\u0007\r',
    });
    show(at('a/b', 'failed', '\u001b[1A\u001b[2K'));
    renderer.end();
    expect(screen.rows()).toEqual([
      'before',
      '✗ a/b failed: \\u001b[1A\\u001b[2K',
      '│ \\u001b[2Jgone?\\u001b]0;title\\u0007\\u000d',
    ]);
  });

  test('writes nothing before the first event and nothing after the end', () => {
    const { screen, renderer, show } = start();
    renderer.end();
    expect(screen.cursorVisible).toBe(true);
    show(at('a/b', 'building'));
    expect(screen.rows()).toEqual([]);
  });

  test('counts the rows that a narrower terminal wrapped its lines into', () => {
    const written: string[] = [];
    const size = { columns: 80, rows: 24 };
    const renderer = liveRenderer({
      write: (text) => written.push(text),
      size: () => size,
      color: false,
      now: () => 0,
    });
    renderer.show({ type: 'step', step: 'build', message: 'x'.repeat(60) });
    vi.advanceTimersByTime(100);
    size.columns = 40;
    vi.advanceTimersByTime(100);
    expect(written.at(-1)).toContain('\r\u001b[2A');
    renderer.end();
  });
});
