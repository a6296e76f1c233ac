import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/core/events.ts';
import type { EventRenderer, Write } from '../../../src/render/events.ts';
import { annotations, githubOutput, githubRenderer } from '../../../src/render/github.ts';
import { ndjsonRenderer } from '../../../src/render/ndjson.ts';
import { plainRenderer } from '../../../src/render/plain.ts';
import { quietRenderer } from '../../../src/render/quiet.ts';

const digest = `sha256:${'a'.repeat(64)}` as const;

const run: readonly Event[] = [
  { type: 'step', step: 'build', message: 'Building' },
  { type: 'item', item: 'domain/orders', status: 'active', state: 'building' },
  { type: 'item', item: 'agent/helper', status: 'active', state: 'building' },
  { type: 'log', item: 'domain/orders', line: 'go build' },
  { type: 'log', item: 'agent/helper', line: 'pip install' },
  { type: 'item', item: 'domain/orders', status: 'done', state: 'built', digest },
  { type: 'warning', code: 'test/slow', message: 'waiting, 100% sure' },
  { type: 'item', item: 'agent/helper', status: 'failed', state: 'failed', detail: 'exit code 1' },
];

function shown(make: (write: (text: string) => void) => EventRenderer, events: readonly Event[]): string {
  let text = '';
  const renderer = make((more) => {
    text += more;
  });
  for (const event of events) renderer.show(event);
  renderer.end();
  return text;
}

describe('plain lines', () => {
  const plain = (write: Write) => plainRenderer(write, false);

  test('steps and states, and the whole log of what failed', () => {
    expect(shown(plain, run).split('\n')).toEqual([
      '==> Building',
      'domain/orders: building',
      'agent/helper: building',
      `domain/orders: built  ${digest}`,
      'warning: waiting, 100% sure [test/slow]',
      'agent/helper | pip install',
      'agent/helper: failed',
      '',
    ]);
  });

  test('of 150 components the log of the one that failed is all there is to read', () => {
    const builds = Array.from({ length: 150 }, (_, number): Event[] => [
      { type: 'item', item: `domain/d${number}`, status: 'active', state: 'building' },
      ...Array.from(
        { length: 100 },
        (_, line): Event => ({ type: 'log', item: `domain/d${number}`, line: `${line}` }),
      ),
      { type: 'item', item: `domain/d${number}`, status: number === 77 ? 'failed' : 'done', state: 'built' },
    ]).flat();
    const lines = shown(plain, builds).trimEnd().split('\n');
    expect(lines).toHaveLength(2 * 150 + 100);
    expect(
      lines.filter((line) => line.includes(' | ')).every((line) => line.startsWith('domain/d77 |')),
    ).toBe(true);
  });

  test('quiet: what failed and its log alone', () => {
    expect(shown(quietRenderer, run).split('\n')).toEqual([
      'agent/helper | pip install',
      'agent/helper: failed',
      '',
    ]);
  });

  test('verbose: one line per event, the component first', () => {
    expect(shown((write) => plainRenderer(write, true), run).split('\n')).toEqual([
      '==> Building',
      'domain/orders: building',
      'agent/helper: building',
      'domain/orders | go build',
      'agent/helper | pip install',
      `domain/orders: built  ${digest}`,
      'warning: waiting, 100% sure [test/slow]',
      'agent/helper: failed',
      '',
    ]);
  });

  test('control characters are made visible', () => {
    expect(
      shown(
        (write) => plainRenderer(write, true),
        [
          { type: 'log', item: 'a/b', line: 'x\u001b[1A\ny\u202e' },
          { type: 'item', item: 'a/\u001b[2Jb', status: 'active', state: 'generating' },
        ],
      ),
    ).toBe('a/b | x\\u001b[1A\\ny\\u202e\na/\\u001b[2Jb: generating\n');
  });
});

describe('the log of GitHub Actions', () => {
  test('a component has its log in one group, at its end; failures and warnings are annotations', () => {
    expect(shown(githubRenderer, run).split('\n')).toEqual([
      '==> Building',
      'domain/orders: building',
      'agent/helper: building',
      '::group::domain/orders',
      'domain/orders | go build',
      '::endgroup::',
      `domain/orders: built  ${digest}`,
      '::warning title=test/slow::waiting, 100%25 sure',
      '::group::agent/helper',
      'agent/helper | pip install',
      '::endgroup::',
      '::error title=agent/helper::exit code 1',
      '',
    ]);
  });

  test('a log that is cut off is shown at the end', () => {
    expect(shown(githubRenderer, run.slice(0, 4))).toContain(
      '::group::domain/orders\ndomain/orders | go build\n',
    );
  });

  test.each([
    '::error::injected',
    '  ::set-output name=refs::evil',
    '##[add-mask]x',
    'text ##[error]x',
    'a\n::error::b',
    'a\r::error::b',
  ])('%j from a build is not taken for a command', (line) => {
    const text = shown(githubRenderer, [
      { type: 'log', item: 'a/b', line },
      { type: 'step', step: 'plan', message: line },
      { type: 'item', item: 'a/b', status: 'failed', state: 'failed', detail: line },
    ]);
    const commands = text.split(/\r?\n|\r/).filter((row) => /^\s*::|##\[/.test(row));
    expect(commands.map((command) => command.replace(/^(::\w+).*/, '$1'))).toEqual([
      '::group',
      '::endgroup',
      '::error',
    ]);
  });

  test('findings are annotations at their places, sorted', () => {
    expect(
      annotations([
        { rule: 'SHAPE-001', level: 'warning', message: 'No Dockerfile.\nAt all.' },
        { rule: 'IMP-002', level: 'error', message: '100% wrong', path: 'a,b:c.go', line: 3, column: 7 },
        { rule: 'TEST-001', level: 'info', message: 'skipped', path: 'a.go' },
      ]),
    ).toBe(
      [
        '::warning title=SHAPE-001::No Dockerfile.%0AAt all.',
        '::error file=a%2Cb%3Ac.go,line=3,col=7,title=IMP-002::100%25 wrong',
        '::notice file=a.go,title=TEST-001::skipped',
        '',
      ].join('\n'),
    );
  });

  test('an output ends at its own delimiter only', () => {
    expect(githubOutput('refs', 'a\nEOF\nb=c', 'end_1')).toBe('refs<<end_1\na\nEOF\nb=c\nend_1\n');
  });
});

describe('NDJSON', () => {
  test('one numbered object per line, with any text in it', () => {
    let clock = 1000;
    const lines = shown(
      (write) => ndjsonRenderer(write, () => (clock += 7)),
      [...run, { type: 'log', item: 'a/b', line: 'one\ntwo\u2028' }],
    ).split('\n');
    expect(lines.pop()).toBe('');
    const events = lines.map((line) => JSON.parse(line));
    expect(events[5]).toEqual({
      schema: 'primitive.event/v1',
      sequence: 6,
      elapsed: 42,
      type: 'item',
      item: 'domain/orders',
      status: 'done',
      state: 'built',
      digest,
    });
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  });
});
