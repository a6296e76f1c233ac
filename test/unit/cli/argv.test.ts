import { describe, expect, test } from 'vitest';
import { findInvocation, wantsHelp, wantsJson } from '../../../src/cli/argv.ts';
import { baseFlags } from '../../../src/cli/flags.ts';

const ids = new Set(['publish', 'list', 'gitops', 'gitops:bump', 'gitops:pin']);
const words = (line: string) => (line === '' ? [] : line.split(' '));

describe('finding the command', () => {
  test.each([
    ['publish', 'publish', '', ''],
    ['publish domain/orders --dry-run', 'publish', '', 'domain/orders --dry-run'],
    ['gitops bump abc', 'gitops:bump', '', 'abc'],
    ['gitops', 'gitops', '', ''],
    ['gitops bum', 'gitops', '', 'bum'],
    ['publish list', 'publish', '', 'list'],
    ['--json list', 'list', '--json', ''],
    ['-C api --config c.yaml list .', 'list', '-C api --config c.yaml', '.'],
    ['-Capi --config=c.yaml --directory=x list', 'list', '-Capi --config=c.yaml --directory=x', ''],
    ['--directory list list', 'list', '--directory list', ''],
    ['help gitops pin', 'gitops:pin', '', ''],
    ['pubish', undefined, '', 'pubish'],
    ['--nope publish', undefined, '', '--nope publish'],
    ['', undefined, '', ''],
    ['-C', undefined, '-C', ''],
    ['__proto__', undefined, '', '__proto__'],
  ])('primitive %s', (line, id, globals, rest) => {
    expect(findInvocation(words(line), ids)).toEqual({ id, globals: words(globals), rest: words(rest) });
  });

  test('every global flag may come before the command', () => {
    for (const [name, flag] of Object.entries(baseFlags)) {
      const given = flag.type === 'boolean' ? [`--${name}`] : [`--${name}`, 'value'];
      expect(findInvocation([...given, 'list'], ids), name).toEqual({ id: 'list', globals: given, rest: [] });
      const short = [`-${flag.char}`, ...given.slice(1)];
      if (flag.char) expect(findInvocation([...short, 'list'], ids).id, name).toBe('list');
    }
  });
});

describe('what is wanted', () => {
  test.each([
    ['pubish --json', true, false],
    ['publish -- --json --help', false, false],
    ['publish --name --json', true, false],
    ['help publish', false, true],
    ['publish -h --json', true, true],
    ['publish --help', false, true],
  ])('%s', (line, json, help) => {
    expect([wantsJson(words(line)), wantsHelp(words(line))]).toEqual([json, help]);
  });
});
