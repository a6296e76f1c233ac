import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { installHints } from '../../../src/toolchain/programs.ts';

const processes = createProcesses(process.env);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
/** Runs a script with this Node: argv arrays as everywhere, and the same on every system. */
const node = (script: string, options = {}, ...args: string[]) =>
  processes.run(process.execPath, ['-e', script, '--', ...args], options);

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'process-test-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** An ended process that nobody collected is a zombie, and does not run. */
const runs = (pid: number) => {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
const until = async <T>(probe: () => Promise<T | undefined>) => {
  for (let tries = 0; tries < 300; tries++) {
    const found = await probe().catch(() => undefined);
    if (found !== undefined && found !== '') return found;
    await sleep(20);
  }
  throw new Error('waited 6 s in vain');
};

describe('a run that ends', () => {
  test('gives exit code, stdout as bytes and stderr, whatever the exit code', async () => {
    const script =
      'process.stdout.write(Buffer.from([0,255,10])); console.error("bad"); process.exitCode = 7';
    const result = await node(script);
    expect({ ...result, stdout: [...result.stdout] }).toEqual({
      exitCode: 7,
      stdout: [0, 255, 10],
      stderr: 'bad\n',
    });
  });

  test('by a signal has 128 + its number as exit code', async () => {
    expect((await node('process.kill(process.pid, "SIGKILL")')).exitCode).toBe(137);
  });

  test('passes arguments as they are', async () => {
    const odd = ['a b', '$HOME', '"', "'", '*', '', '\n', 'ü', '--x', ';rm'];
    const result = await node('console.log(JSON.stringify(process.argv.slice(1)))', {}, ...odd);
    expect(JSON.parse(text(result.stdout))).toEqual(odd);
  });

  test('reads its input whole, and has an empty stdin without', async () => {
    const count = 'let n = 0; process.stdin.on("data", (c) => n += c.length).on("end", () => console.log(n))';
    expect(text((await node(count, { input: new Uint8Array(3_000_000) })).stdout)).toBe('3000000\n');
    expect(text((await node(count)).stdout)).toBe('0\n');
  });

  test('can be asked again after each answer', async () => {
    const heard: string[] = [];
    let answered = () => {};
    async function* questions() {
      for (const question of ['one\n', 'two\n', 'three\n']) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield question;
        await answer;
      }
    }
    const script = 'process.stdin.on("data", (chunk) => process.stdout.write(String(chunk).toUpperCase()))';
    const stdout = (chunk: Uint8Array) => {
      heard.push(text(chunk));
      answered();
    };
    expect((await node(script, { input: questions(), stdout })).exitCode).toBe(0);
    expect(heard).toEqual(['ONE\n', 'TWO\n', 'THREE\n']);
  });

  test('may end before the next part of its input comes, and ends where the input fails', async () => {
    async function* silent() {
      yield 'x';
      await new Promise(() => {});
    }
    async function* failing() {
      yield 'x';
      throw new Error('no more');
    }
    expect((await node('process.exit(4)', { input: silent() })).exitCode).toBe(4);
    await expect(node('setTimeout(() => {}, 60000)', { input: failing() })).rejects.toThrow('no more');
  });

  test('need not read its input', async () => {
    expect((await node('process.exit(4)', { input: 'x'.repeat(3_000_000) })).exitCode).toBe(4);
  });

  test('inherits the environment that was handed in, with additions and removals', async () => {
    const own = createProcesses({ KEPT: 'k', GONE: 'g', CHANGED: 'old' });
    const script = 'console.log(JSON.stringify(process.env))';
    const { stdout } = await own.run(process.execPath, ['-e', script], {
      env: { GONE: undefined, CHANGED: 'new', ADDED: 'a' },
    });
    expect(JSON.parse(text(stdout))).toEqual({ KEPT: 'k', CHANGED: 'new', ADDED: 'a' });
  });

  const pem =
    '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nx\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----';
  const signing = { COSIGN_PASSWORD: 'y', COSIGN_PKCS11_PIN: '1', MY_KEY: pem, SIGSTORE_ID_TOKEN: 't' };
  const cache = { ACTIONS_CACHE_URL: 'u', ACTIONS_RESULTS_URL: 'u', ACTIONS_RUNTIME_TOKEN: 't' };
  test.each([
    ['no need', undefined, {}],
    ['signing', 'signing', signing],
    ['layer-cache', 'layer-cache', cache],
  ] as const)('inherits credentials for what it needs alone: %s', async (_name, needs, given) => {
    const request = { ACTIONS_ID_TOKEN_REQUEST_TOKEN: 't', ACTIONS_ID_TOKEN_REQUEST_URL: 'u' };
    const own = createProcesses({ KEPT: 'k', ...signing, ...cache, ...request });
    const { stdout } = await own.run(process.execPath, ['-e', 'console.log(JSON.stringify(process.env))'], {
      ...(needs && { needs }),
    });
    expect(JSON.parse(text(stdout))).toEqual({ KEPT: 'k', ...given });
  });
});

describe('output', () => {
  test('comes line by line, split anywhere, with any line end', async () => {
    const lines: string[] = [];
    const script = `const out = process.stdout; out.write("one\\r\\ntw"); setTimeout(() => { out.write(Buffer.from([0xc3]));
      setTimeout(() => { out.write(Buffer.from([0xbc, 10])); out.write("\\nlast") }, 30) }, 30)`;
    await node(script, { onLine: (line: string, stream: string) => lines.push(`${stream}: ${line}`) });
    expect(lines).toEqual(['stdout: one', 'stdout: twü', 'stdout: ', 'stdout: last']);
  });

  test('keeps the last 64 KiB of stderr from the start of a line', async () => {
    const { stderr } = await node('for (let i = 0; i < 20000; i++) console.error("line " + i)');
    expect(stderr.length).toBeLessThanOrEqual(64 * 1024);
    expect(stderr.length).toBeGreaterThan(64 * 1024 - 20);
    expect(stderr).toMatch(/^line \d+\n/);
    expect(stderr).toMatch(/line 19999\n$/);
  });

  test('beyond maxStdout ends the program', async () => {
    const flood = 'const f = () => process.stdout.write("x".repeat(65536), f); f()';
    await expect(node(flood, { maxStdout: 1_000_000 })).rejects.toMatchObject({
      code: 'tool-output-too-large',
      exit: 3,
    });
  });

  test('is streamed with backpressure: a slow consumer stops the writer', async () => {
    const progress = join(dir, 'written');
    const script = `const fs = require('node:fs'); const chunk = Buffer.alloc(65536); let n = 0;
      for (let i = 0; i < 160; i++) { fs.writeSync(1, chunk); n += chunk.length; fs.writeFileSync(process.argv[1], String(n)); }`;
    let taken = 0;
    let ahead = 0;
    const result = await node(
      script,
      {
        stdout: async (chunk: Uint8Array) => {
          taken += chunk.length;
          if (taken % (1 << 20) === 0) await sleep(20);
          ahead = Math.max(ahead, Number(await readFile(progress, 'utf8').catch(() => '0')) - taken);
        },
      },
      progress,
    );
    expect(taken).toBe(160 * 65536);
    expect(result.stdout).toHaveLength(0);
    expect(ahead).toBeLessThan(1 << 20);
  });

  test('whose consumer throws ends the program with that error', async () => {
    const flood = 'const f = () => process.stdout.write("x".repeat(65536), f); f()';
    const fault = new Error('disk full');
    await expect(node(flood, { stdout: () => Promise.reject(fault) })).rejects.toBe(fault);
    const onLine = () => {
      throw fault;
    };
    await expect(node('setInterval(() => console.error("x"), 5)', { onLine })).rejects.toBe(fault);
  });
});

describe('secrets', () => {
  const key = '-----BEGIN KEY-----\nabcdefgh\nijklmnop\n-----END KEY-----\n';
  test.each([
    ['a word', ['s3cret-1'], 'token s3cret-1, s3cret-1s3cret-1', 'token ***, ******'],
    ['one inside another', ['abcdefgh', 'xabcdefghy'], 'xabcdefghy abcdefgh', '*** ***'],
    ['one of several lines', [key], `${key}end`, '***\n***\n***\n***\nend'],
    ['an empty one', [''], 'as it is', 'as it is'],
  ])('%s', async (_name, secrets, said, seen) => {
    const lines: string[] = [];
    const { stderr } = await node(
      'console.error(process.argv[1])',
      { secrets, onLine: (line: string) => lines.push(line) },
      said,
    );
    expect(lines.join('\n')).toBe(seen);
    // The kept tail is redacted as a whole, so a secret of several lines is one mark there.
    for (const secret of secrets.flatMap((whole) => whole.split('\n')).filter(Boolean))
      expect(stderr).not.toContain(secret);
  });

  test('that are short give nothing away', async () => {
    const said = 'decrypt: y pin 1234';
    const { stderr } = await node('process.stderr.write(process.argv[1])', { secrets: ['y', '1234'] }, said);
    expect(stderr).toBe(said);
  });

  test('do not slip through where a long line is cut', async () => {
    const secret = 'abcdefghijklmnopqrstuvwxyz0123456789';
    for (const before of [0, 1, 20, 35, 36]) {
      const seen: string[] = [];
      const script =
        'process.stderr.write("x".repeat(65536 - Number(process.argv[1])) + process.argv[2].repeat(9) + "\\n")';
      await node(
        script,
        { secrets: [secret], onLine: (line: string) => seen.push(line) },
        String(before),
        secret,
      );
      expect(seen).toHaveLength(1);
      expect(seen[0]).not.toContain('abc');
    }
  });

  test('do not slip through where stderr is cut', async () => {
    const secret = 'abcdefghijklmnopqrstuvwxyz0123456789';
    for (const end of ['', '\n']) {
      const script = 'process.stderr.write(process.argv[1] + "y".repeat(65536 - 20) + process.argv[2])';
      const { stderr } = await node(script, { secrets: [secret] }, secret, end);
      expect(stderr).not.toMatch(/[a-x0-9]/);
    }
  });
});

describe('what cannot be started', () => {
  test.each([
    ['no such program', 'no-such-program-here', {}, 'tool-not-found'],
    ['no such file', '/no/such/file', {}, 'tool-not-found'],
    ['not executable', import.meta.filename, {}, 'tool-not-started'],
    ['no such folder', 'git', { cwd: '/no/such/folder' }, 'tool-not-started'],
  ])('%s', async (_name, program, options, code) => {
    const error = await processes.run(program, ['x'], options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, exit: 3 });
    expect(String(error)).toContain(program);
  });

  test('a program that primitive needs: the way to get it', async () => {
    await expect(createProcesses({ PATH: '/nowhere' }).run('git', ['x'])).rejects.toMatchObject({
      code: 'tool-not-found',
      suggestions: installHints('git', process.platform),
    });
  });

  test.skipIf(process.platform === 'win32').each(['.', '', 'bin'])(
    'a program of the folder it would run in, by the entry %j of PATH',
    async (entry) => {
      const script = '#!/bin/sh\necho "$PATH"\n';
      await mkdir(join(dir, 'bin'), { recursive: true });
      for (const folder of ['', 'bin'])
        await writeFile(join(dir, folder, 'own-tool'), script, { mode: 0o755 });
      const run = (path: string, program = 'own-tool') =>
        createProcesses({ PATH: path }).run(program, [], { cwd: dir });
      for (const path of [entry, `${entry}:/nowhere`, `/nowhere:${entry}`])
        await expect(run(path)).rejects.toMatchObject({ code: 'tool-not-found' });
      const given = await run(`${entry}:/nowhere`, join(dir, 'own-tool'));
      expect(text(given.stdout)).toBe('/nowhere\n');
    },
  );

  test('an argument with a zero byte', async () => {
    await expect(processes.run('git', ['a\0b'])).rejects.toMatchObject({ code: 'tool-not-started' });
  });
});

describe.skipIf(process.platform === 'win32')('an abort', () => {
  /** A program with a child of its own; both pids are written to a file. */
  const family = (stubborn: boolean) => `
    const { spawn } = require('node:child_process');
    const idle = ${stubborn ? '"process.on(\'SIGTERM\', () => {});"' : '""'} + "setInterval(() => {}, 1000)";
    const child = spawn(process.execPath, ['-e', idle], { stdio: 'inherit' });
    ${stubborn ? "process.on('SIGTERM', () => {});" : ''}
    setTimeout(() => require('node:fs').writeFileSync(process.argv[1], process.pid + ' ' + child.pid), 200);
    setInterval(() => {}, 1000);`;

  test.each([
    ['ends the whole group', false],
    ['ends a group that ignores SIGTERM', true],
  ])('%s', async (name, stubborn) => {
    const file = join(dir, `pids-${stubborn}`);
    const controller = new AbortController();
    const running = node(family(stubborn), { signal: controller.signal }, file);
    const pids = (await until(() => readFile(file, 'utf8'))).split(' ').map(Number);
    expect(pids.map(runs), name).toEqual([true, true]);
    const reason = new Error('stop now');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(pids.map(runs)).toEqual([false, false]);
  });

  test('does not hang on a process that left the group with our pipes', async () => {
    const file = join(dir, 'left');
    const script = `const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 15000)'], { stdio: 'inherit', detached: true });
      require('node:fs').writeFileSync(process.argv[1], String(child.pid)); setInterval(() => {}, 1000);`;
    const controller = new AbortController();
    const running = node(script, { signal: controller.signal }, file);
    const pid = Number(await until(() => readFile(file, 'utf8')));
    const started = Date.now();
    controller.abort(new Error('stop'));
    await expect(running).rejects.toThrow('stop');
    expect(Date.now() - started).toBeLessThan(10_000);
    process.kill(pid, 'SIGKILL');
  });

  test('before the start starts nothing', async () => {
    const file = join(dir, 'never');
    const signal = AbortSignal.abort(new Error('early'));
    await expect(
      node('require("node:fs").writeFileSync(process.argv[1], "x")', { signal }, file),
    ).rejects.toThrow('early');
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('by timeout says so', async () => {
    await expect(node('setInterval(() => {}, 1000)', { timeout: 300 })).rejects.toMatchObject({
      code: 'tool-timeout',
      exit: 3,
      message: expect.stringContaining('0.3 s'),
    });
  });

  test('no child outlives us', async () => {
    const file = join(dir, 'orphan');
    const parent = join(dir, 'parent.ts');
    const adapter = new URL('../../../src/adapters/process.ts', import.meta.url).href;
    await writeFile(
      parent,
      `import { createProcesses } from ${JSON.stringify(adapter)};
       import { existsSync } from 'node:fs';
       const script = 'process.on("SIGTERM", () => {}); require("node:fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)';
       void createProcesses(process.env).run(process.execPath, ['-e', script, '--', ${JSON.stringify(file)}]);
       setInterval(() => { if (existsSync(${JSON.stringify(file)})) process.exit(5); }, 20);`,
    );
    expect((await processes.run(process.execPath, [parent])).exitCode).toBe(5);
    const pid = Number(await readFile(file, 'utf8'));
    await until(async () => (runs(pid) ? undefined : true));
  });
});
