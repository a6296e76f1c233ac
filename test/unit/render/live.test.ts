import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import { liveRenderer } from '../../../src/render/live.ts';
import { createScreen } from '../../support/screen.ts';

// The emulator uses setTimeout.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

function start(columns = 80, rows = 24) {
  const screen = createScreen(columns, rows);
  const renderer = liveRenderer(screen.stream, false);
  const show = (...events: Event[]) => {
    for (const event of events) renderer.show(event);
    vi.advanceTimersByTime(100);
  };
  return { screen, renderer, show };
}

const STATUS = {
  planned: 'waiting',
  building: 'active',
  pushing: 'active',
  built: 'done',
  tagged: 'done',
  failed: 'failed',
} as const;

const at = (item: string, state: keyof typeof STATUS, detail?: string): Event => ({
  type: 'item',
  item,
  status: STATUS[state],
  state,
  ...(detail === undefined ? {} : { detail }),
});
const step = (message: string, total?: number): Event => ({
  type: 'step',
  step: 'build',
  message,
  ...(total === undefined ? {} : { total }),
});

describe('the live view', () => {
  test('has the step, a line per active item and a count of the others', async () => {
    const { screen, renderer, show } = start();
    show(step('Building 2 components'), at('domain/orders', 'building'), at('process/checkout', 'planned'), {
      type: 'log',
      item: 'domain/orders',
      line: 'RUN go build',
    });
    expect(await screen.rows()).toEqual([
      expect.stringMatching(/^\S Building 2 components 0\.1s$/),
      '  domain/orders  building  0.1s  RUN go build',
      '  1 planned',
    ]);
    renderer.end();
  });

  test('is redrawn in place, and gone at the end with the cursor back', async () => {
    const { screen, renderer, show } = start();
    screen.stream.write('$ primitive publish\n');
    show(step('Building'), at('a/b', 'building'));
    show(at('a/b', 'pushing'));
    vi.advanceTimersByTime(5000);
    expect(await screen.rows()).toEqual([
      '$ primitive publish',
      expect.stringMatching(/^\S Building 5\.2s$/),
      '  a/b  pushing  5.2s',
    ]);
    renderer.end();
    renderer.end();
    expect(await screen.rows()).toEqual(['$ primitive publish']);
    const cursor = screen
      .written()
      .split('\u001b')
      .filter((text) => text.startsWith('[?25'));
    expect(cursor.map((text) => text.slice(0, 5))).toEqual(['[?25l', '[?25h']);
  });

  test('leaves warnings and the last lines of what failed above itself', async () => {
    const { screen, renderer, show } = start(80, 40);
    const lines = Array.from(
      { length: 30 },
      (_, number): Event => ({ type: 'log', item: 'a/b', line: `line ${number}` }),
    );
    show(step('Building'), at('a/b', 'building'), at('c/d', 'building'), ...lines);
    show(
      { type: 'warning', code: 'test/slow', message: 'registry asks to wait' },
      at('a/b', 'failed', 'exit code 1'),
    );
    const kept = [
      'warning: registry asks to wait [test/slow]',
      '✗ a/b failed',
      ...Array.from({ length: 20 }, (_, number) => `│ line ${number + 10}`),
    ];
    expect(await screen.rows()).toEqual([
      ...kept,
      expect.stringMatching(/^\S Building 0\.2s$/),
      '  c/d  building  0.2s',
      '  1 failed',
    ]);
    renderer.end();
    expect(await screen.rows()).toEqual(kept);
  });

  test('keeps the bar and the indent of a line of a log that is wrapped', async () => {
    const { screen, renderer, show } = start(40);
    const line = '   3 | >>> RUN go build ./cmd/server && echo done';
    show(step('Building'), at('a/b', 'building'), { type: 'log', item: 'a/b', line }, at('a/b', 'failed'));
    renderer.end();
    expect(await screen.rows()).toEqual([
      '✗ a/b failed',
      '│    3 | >>> RUN go build ./cmd/server',
      '│    && echo done',
    ]);
  });

  test('counts what is done of each step, and aligns what goes on', async () => {
    const { screen, renderer, show } = start(80, 40);
    show(
      step('Building', 4),
      at('domain/orders', 'built'),
      at('domain/a', 'building', 'go build'),
      at('process/checkout', 'pushing'),
      at('agent/b', 'failed'),
    );
    expect(await screen.rows()).toEqual([
      '✗ agent/b failed',
      expect.stringMatching(/^\S Building 1 of 4 done, 1 failed {2}0\.1s$/),
      '  domain/a          building  0.1s  go build',
      '  process/checkout  pushing   0.1s',
      '  1 failed',
    ]);
    show(step('Tagging', 3), at('domain/orders', 'tagged'));
    expect((await screen.rows())[1]).toMatch(/^\S Tagging 1 of 3 done, 1 failed {2}0\.1s$/);
    renderer.end();
  });

  test('warnings wrap between words', async () => {
    const { screen, renderer, show } = start(40, 20);
    show({ type: 'warning', code: 'test/slow', message: 'ghcr.io asks to wait for a rather long time' });
    expect(await screen.rows()).toEqual([
      'warning: ghcr.io asks to wait for a',
      'rather long time [test/slow]',
    ]);
    renderer.end();
  });

  test('takes one row per item, ten items at most', async () => {
    const { screen, renderer, show } = start(40, 20);
    show(
      step('Building'),
      ...Array.from({ length: 50 }, (_, number) =>
        at(`domain/a-rather-long-name-${number}`, 'building', 'x'.repeat(200)),
      ),
    );
    const rows = await screen.rows();
    expect(rows).toHaveLength(12);
    expect(rows.at(-1)).toBe('  40 building');
    renderer.end();
  });

  test('wide characters break no line', async () => {
    const { screen, renderer, show } = start(40, 20);
    screen.stream.write('before\n');
    show(step('建造 2'), at('a/b', 'building'), at('c/d', 'building'));
    for (let frame = 0; frame < 20; frame += 1) {
      show({ type: 'log', item: 'a/b', line: `${'圖層下載'.repeat(20)} ${frame}` });
    }
    expect(await screen.rows()).toEqual([
      'before',
      expect.stringMatching(/^\S 建造 2 2\.1s$/),
      expect.stringMatching(/^ {2}a\/b {2}building {2}2\.1s {2}圖層下載.*…$/),
      '  c/d  building  2.1s',
    ]);
    renderer.end();
    expect(await screen.rows()).toEqual(['before']);
  });

  test('a terminal of few rows shows what fits, and is clean at the end', async () => {
    const { screen, renderer, show } = start(40, 5);
    show(step('Building'), ...Array.from({ length: 9 }, (_, number) => at(`a/${number}`, 'building')));
    for (let frame = 0; frame < 20; frame += 1) vi.advanceTimersByTime(100);
    expect((await screen.rows()).length).toBeLessThanOrEqual(5);
    renderer.end();
    expect(await screen.rows()).toEqual([]);
  });

  test('cannot be steered by what it shows', async () => {
    const { screen, renderer, show } = start();
    screen.stream.write('before\n');
    show(step('Building\u001b[2J'), at('a/b', 'building'), {
      type: 'log',
      item: 'a/b',
      line: '\u001b[2J\u001b[31mgone?\u001b]0;title\u0007\r',
    });
    show(at('a/b', 'failed', '\u001b[1A\u001b[2K'), at('\u001b[2K', 'failed'));
    renderer.end();
    expect(await screen.rows()).toEqual([
      'before',
      '✗ a/b failed',
      '│ \\u001b[2Jgone?\\u001b]0;title\\u0007\\u000d',
      '✗ \\u001b[2K failed',
    ]);
  });

  test('starts with the first step, and shows nothing after the end', async () => {
    const { screen, renderer, show } = start();
    show({ type: 'warning', code: 'test/slow', message: 'registry asks to wait' });
    expect(screen.written()).toBe('warning: registry asks to wait [test/slow]\n');
    renderer.end();
    show(at('a/b', 'building'));
    expect(screen.written()).toBe('warning: registry asks to wait [test/slow]\n');
  });
});
