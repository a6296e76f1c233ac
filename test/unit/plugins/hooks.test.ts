import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { HookSession } from '../../../src/plugins/api.ts';
import { runHooks } from '../../../src/plugins/hooks.ts';
import { NO_PLUGINS } from '../../../src/plugins/set.ts';
import { ACME } from '../../support/plugin-set.ts';

const base = mkdtempSync(join(tmpdir(), 'plugin-hooks-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Plugins with a hook for `before` each. */
function withHooks(...texts: readonly string[]) {
  const plugins = texts.map((text, i) => {
    const folder = mkdtempSync(join(base, 'plugin-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'hook.js'), text);
    return { ...ACME, name: `plugin-${i}`, folder, hooks: { before: './hook.js' } };
  });
  return { ...NO_PLUGINS, plugins };
}
const session = (signal = new AbortController().signal): HookSession => ({
  cwd: base,
  version: '0.1.0',
  ci: undefined,
  signal,
  emit: () => {},
});
const fail = (text: string) =>
  runHooks(withHooks(text), 'before', { command: 'list' }, session()).catch((error: unknown) => error);

describe('hooks', () => {
  test('run one after the other, for their event alone, each on its own copy', async () => {
    const note = join(base, 'note');
    const append = (word: string) =>
      `import { appendFileSync } from 'node:fs';
       export default async (event, { version }) => {
         appendFileSync(${JSON.stringify(note)}, '${word} ' + event.command + ' ' + version + '; ');
         event.command = 'changed';
       };`;
    const set = withHooks(append('first'), append('second'));
    await runHooks(set, 'after', { command: 'list', exit: 0, document: { schema: 'x' } }, session());
    expect(existsSync(note)).toBe(false);
    const event = { command: 'list' };
    await runHooks(set, 'before', event, session());
    expect(readFileSync(note, 'utf8')).toBe('first list 0.1.0; second list 0.1.0; ');
    expect(event).toEqual({ command: 'list' });
  });

  test.each([
    ['throws', 'export default () => { throw new Error("not today"); };', 'not today'],
    ['throws no error', 'export default () => { throw 7; };', '7'],
    ['cannot be loaded', 'export default', expect.any(String)],
    ['has no hook', 'export const hook = 1;', expect.stringMatching(/no function/)],
    ['rejects', 'export default async () => { await null; throw new Error("later"); };', 'later'],
  ])('one that %s fails the command, by plugin and version', async (_, text, why) => {
    const error = await fail(text);
    expect(error).toMatchObject({
      code: 'hook-failed',
      message: 'The hook `before` of plugin-0 1.2.3 failed.',
      why,
      exit: 3,
    });
  });

  test('one that never ends is left on an interruption', async () => {
    const controller = new AbortController();
    const set = withHooks('export default () => new Promise(() => setInterval(() => {}, 1e6).unref());');
    const running = runHooks(set, 'before', { command: 'list' }, session(controller.signal));
    setTimeout(() => controller.abort(new Error('interrupted')), 50);
    await expect(running).rejects.toThrow('interrupted');
  });

  test('one that is still being loaded on an interruption is not called', async () => {
    const controller = new AbortController();
    const called = `globalThis.hookCalled = true`;
    const set = withHooks(
      `await new Promise((done) => setTimeout(done, 100)); export default () => { ${called}; return new Promise(() => {}); };`,
    );
    const running = runHooks(set, 'before', { command: 'list' }, session(controller.signal));
    setTimeout(() => controller.abort(new Error('interrupted')), 20);
    await expect(running).rejects.toThrow('interrupted');
    expect('hookCalled' in globalThis).toBe(false);
  });
});
