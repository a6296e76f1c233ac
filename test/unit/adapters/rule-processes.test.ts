import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { ruleHost } from '../../../src/adapters/rule-processes.ts';
import type { RuleResult } from '../../../src/features/verify/foreign.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'rule-processes-')));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const MODULE = pathToFileURL(join(import.meta.dirname, '../../../src/features/verify/rule-process.ts')).href;

/** Runs rules of a plugin on subjects, one after the other. */
async function run(
  rules: Readonly<Record<string, string>>,
  { subjects = [{ path: 'a' }], limit = 30_000, files = {} }: Partial<Given> = {},
): Promise<readonly RuleResult[]> {
  const folder = mkdtempSync(join(base, 'plugin-'));
  mkdirSync(join(folder, 'rules'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "plugin", "type": "module" }');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const tasks = Object.entries(rules).flatMap(([rule, text]) => {
    writeFileSync(join(folder, 'rules', `${rule}.js`), text);
    return subjects.map((subject) => ({ rule, module: `rules/${rule}.js`, subject }));
  });
  const { signal } = new AbortController();
  // As the app makes it: nothing is inherited.
  const host = ruleHost(MODULE, createProcesses({}), signal, limit);
  return host.run({ folder, readable: folder }, tasks);
}
interface Given {
  readonly subjects: readonly { readonly path: string }[];
  readonly limit: number;
  readonly files: Readonly<Record<string, string>>;
}

/** What became of one rule on one subject: the problems, or the error. */
async function one(text: string, given?: Partial<Given>): Promise<unknown> {
  const [result] = await run({ rule: text }, given);
  return result && ('error' in result ? result.error : result.problems);
}

describe('a rule', () => {
  test('gets its subject and returns what it found', async () => {
    expect(await one('export default ({ path }) => [{ message: path + " is wrong." }];')).toEqual([
      { message: 'a is wrong.' },
    ]);
    expect(await one('export default async () => { return [] };')).toEqual([]);
  });

  test('may use other files of its plugin, and remembers nothing wrong of a large subject', async () => {
    const files = { 'words.js': 'export const word = "found";', 'data.json': '{ "n": 1 }' };
    const text = `import { word } from '../words.js'; import data from '../data.json' with { type: 'json' };
      export default ({ text }) => [{ message: word + data.n + text.length }];`;
    const subjects = [{ path: 'a', text: 'ä'.repeat(3_000_000) }];
    expect(await one(text, { files, subjects })).toEqual([{ message: 'found13000000' }]);
  });

  test('that throws is named, and the others go on', async () => {
    const results = await run(
      {
        bad: 'export default ({ path }) => { if (path === "a") throw new Error("not this one"); return [] };',
        broken: 'export default',
        missing: 'export const rule = 1;',
        good: 'export default () => [];',
      },
      { subjects: [{ path: 'a' }, { path: 'b' }] },
    );
    expect(results.map(({ task, ...result }) => [task.rule, task.subject.path, result])).toEqual([
      ['bad', 'a', { error: 'not this one' }],
      ['bad', 'b', { problems: [] }],
      ['broken', 'a', { error: expect.stringMatching(/Unexpected/) }],
      ['broken', 'b', { error: expect.stringMatching(/Unexpected/) }],
      ['missing', 'a', { error: 'rule is not a function' }],
      ['missing', 'b', { error: 'rule is not a function' }],
      ['good', 'a', { problems: [] }],
      ['good', 'b', { problems: [] }],
    ]);
  });

  test.each([
    ['hangs', 'export default () => { for (;;); };', /took longer than 4 s/],
    [
      'never answers',
      'export default () => new Promise(() => setInterval(() => {}, 100));',
      /took longer than 4 s/,
    ],
    ['waits for nothing', 'export default () => new Promise(() => {});', /ended with exit code/],
    [
      'takes all memory',
      'export default () => { const a = []; for (;;) a.push(new Array(1e6).fill(a.length)); };',
      /ended with exit code/,
    ],
  ])('that %s is ended and named, and the others go on', async (_, text, says) => {
    const results = await run(
      { bad: text, good: 'export default () => [];' },
      { limit: says.source.includes('took') ? 4000 : 60_000, subjects: [{ path: 'a' }, { path: 'b' }] },
    );
    expect(results.map(({ task, ...result }) => [task.rule, task.subject.path, result])).toEqual([
      ['bad', 'a', { error: expect.stringMatching(says) }],
      ['bad', 'b', { error: expect.stringMatching(says) }],
      ['good', 'a', { problems: [] }],
      ['good', 'b', { problems: [] }],
    ]);
  });

  test('answers for nobody else', async () => {
    // It has no stdout; what it may guess is not the word of its process.
    const text = 'export default () => { try { console.log("x") } catch {} return [] };';
    expect(await one(text)).toEqual([]);
  });
});

describe('a rule reaches nothing but its subject and its plugin', () => {
  const secret = join(base, 'secret.js');
  writeFileSync(secret, 'export default "read";');
  const url = pathToFileURL(secret).href;
  const cases: readonly (readonly [what: string, expression: string])[] = [
    ['a module of Node', '(await import("node:fs")).readFileSync("/etc/hostname", "utf8")'],
    [
      'a module of Node without the prefix',
      '(await import("fs/promises")).readFile("/etc/hostname", "utf8")',
    ],
    ['the network by a module', '(await import("node:net")).connect(1)'],
    ['a program', '(await import("node:child_process")).execSync("id").toString()'],
    ['a thread', 'new (await import("node:worker_threads")).Worker("1", { eval: true })'],
    [
      'Node by code made of text',
      '(await new Function("return import(\\"node:fs\\")")()).readFileSync("/etc/hostname")',
    ],
    ['Node by eval', '(await (0, eval)("import(\\"node:fs\\")")).readFileSync("/etc/hostname")'],
    [
      'Node by a data URL',
      '(await import("data:text/javascript,export{default}from%22node:fs%22")).default.readFileSync("/etc/hostname")',
    ],
    ['a module outside', `(await import(${JSON.stringify(url)})).default`],
    ['the environment', 'Object.keys(process.env).join()'],
    ['the process by its constructor', 'await (async () => {}).constructor("return process.version")()'],
    [
      'built-in modules of the process',
      'process.getBuiltinModule("fs").readFileSync("/etc/hostname", "utf8")',
    ],
    ['the network by fetch', 'await (await fetch("http://127.0.0.1:PORT/")).text()'],
    ['the network by a socket', 'new WebSocket("ws://127.0.0.1:PORT/").url'],
    ['require', 'require("node:fs").readFileSync("/etc/hostname", "utf8")'],
  ];
  test.each(cases)('not %s', async (_, expression) => {
    let asked = 0;
    const server = createServer((socket) => {
      asked += 1;
      socket.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const text = `export default async () => [{ message: String(${expression.replace('PORT', String(port))}) }];`;
    try {
      // An error, or the word for what is not there: never a result.
      expect(await one(text)).toEqual(expect.any(String));
      expect(asked).toBe(0);
    } finally {
      server.close();
    }
  });

  test('the same module inside of the plugin can be imported: the trap works', async () => {
    const text = 'import word from "../secret.js"; export default () => [{ message: word }];';
    expect(await one(text, { files: { 'secret.js': 'export default "read";' } })).toEqual([
      { message: 'read' },
    ]);
  });

  test('nor a file outside by a link, by CommonJS of the plugin, or of the repository', async () => {
    const folder = mkdtempSync(join(base, 'plugin-'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    symlinkSync(secret, join(folder, 'link.js'));
    writeFileSync(
      join(folder, 'a.cjs'),
      'module.exports = require("fs").readFileSync("/etc/hostname", "utf8");',
    );
    const subject = { path: 'a' };
    const tasks = ['link.js', 'a.cjs', '../secret.js'].map((module) => ({ rule: module, module, subject }));
    const host = ruleHost(MODULE, createProcesses({}), new AbortController().signal);
    const results = await host.run({ folder, readable: folder }, tasks);
    expect(results.map((result) => 'error' in result)).toEqual([true, true, true]);
  });
});

test('an abort ends the process with the reason of the signal', async () => {
  const folder = mkdtempSync(join(base, 'plugin-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'a.js'), 'export default () => { for (;;); };');
  const controller = new AbortController();
  const host = ruleHost(MODULE, createProcesses({}), controller.signal);
  const running = host.run({ folder, readable: folder }, [
    { rule: 'a', module: 'a.js', subject: { path: 'a' } },
  ]);
  setTimeout(() => controller.abort(new Error('stopped')), 300);
  await expect(running).rejects.toThrow('stopped');
});
