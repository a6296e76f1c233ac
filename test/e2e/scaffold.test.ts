import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initSchema } from '../../src/features/init/document.ts';
import { listSchema } from '../../src/features/list/document.ts';
import { scaffoldPlanSchema } from '../../src/features/scaffold/document.ts';
import { goldenTree, scaffoldedKinds } from '../support/goldens.ts';
import { installPacked, type Packed } from '../support/packed.ts';
import { run } from '../support/services/run.ts';
import { contentOf } from '../support/tree.ts';

let cli: Packed;

beforeAll(async () => {
  cli = await installPacked();
});
afterAll(() => cli[Symbol.asyncDispose]());

async function emptyRepository(): Promise<string> {
  const cwd = mkdtempSync(join(cli.home, 'repository-'));
  await run('git', ['init', '--quiet', '--initial-branch=main'], { cwd });
  return cwd;
}

/** Runs the CLI on a terminal of its own; each answer is typed when its question is seen. */
async function onTerminal(
  cwd: string,
  args: string,
  answers: readonly (readonly [question: string, answer: string])[],
) {
  const command = `exec ${process.execPath} ${join(cli.folder, 'bin/run.js')} ${args}`;
  const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cli.home, TERM: 'xterm', SHELL: '/bin/sh' },
  });
  let screen = '';
  let seen = 0;
  const open = [...answers];
  terminal.stdout.on('data', (chunk: Buffer) => {
    screen += chunk;
    const [next] = open;
    const at = next === undefined ? -1 : screen.indexOf(next[0], seen);
    if (next === undefined || at === -1) return;
    seen = at + next[0].length;
    open.shift();
    terminal.stdin.write(next[1]);
  });
  const code = await new Promise<number | null>((resolve) => terminal.once('close', resolve));
  return { code, screen, unasked: open };
}

describe('from an empty repository to every kind', () => {
  test('one command for the config, one for each kind, and all is as its golden tree', async () => {
    const cwd = await emptyRepository();
    await run('git', ['remote', 'add', 'origin', 'git@github.com:acme/app.git'], { cwd });
    const { version } = JSON.parse(readFileSync(join(cli.folder, 'package.json'), 'utf8'));
    const locked = { version, integrity: `sha512-${'A'.repeat(86)}==` };
    writeFileSync(
      join(cwd, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/@ameide/primitive': locked } }),
    );
    const init = await cli.run(['init', '--ci', 'github', '--json'], { cwd });
    expect([init.code, init.stderr]).toEqual([
      0,
      expect.stringMatching(
        /^warning: .* gh api repos\/acme\/app .*\[init-ids-unknown\]\n==> Writing primitive\.config\.yaml, \.github\/workflows\/publish\.yaml, \.github\/workflows\/primitive-update\.yaml\n$/,
      ),
    ]);
    expect(Check(initSchema, JSON.parse(init.stdout))).toBe(true);
    expect(JSON.parse(init.stdout).answers).toEqual({
      repository: 'github.com/acme/app',
      registry: 'ghcr.io/acme',
      branch: 'main',
    });
    // With it a scaffold records the integrity of its template's package, which no golden tree has.
    rmSync(join(cwd, 'package-lock.json'));
    const kinds = await scaffoldedKinds();
    // The domain after the surface, which would take its client from a domain of its name.
    for (const kind of kinds.toReversed()) {
      const { code, stdout } = await cli.run(['scaffold', '--kind', kind, '--name', 'orders', '--json'], {
        cwd,
      });
      const plan = JSON.parse(stdout);
      expect([code, Check(scaffoldPlanSchema, plan), plan.written]).toEqual([0, true, true]);
      expect(plan.next).toHaveLength(3);
      expect(await contentOf(join(cwd, 'primitives', kind, 'orders'))).toEqual(await goldenTree(kind));
    }
    const fresh = JSON.parse((await cli.run(['list', '--json'], { cwd })).stdout);
    expect(Check(listSchema, fresh)).toBe(true);
    expect([fresh.commit, fresh.primitives.map(({ state }: { state: string }) => state)]).toEqual([
      null,
      kinds.map(() => 'uncommitted'),
    ]);
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd });
    await git('add', '--all');
    await git('commit', '--quiet', '--message', 'Scaffold');
    const list = JSON.parse((await cli.run(['list', '--json'], { cwd })).stdout);
    expect(Check(listSchema, list)).toBe(true);
    expect(list.primitives.map(({ kind }: { kind: string }) => kind)).toEqual(kinds);
    for (const { template } of list.primitives)
      expect(template).toEqual({ version: 1, latest: 1, state: 'current', behind: [] });
    const again = await cli.run(['scaffold', '--kind', 'domain', '--name', 'orders'], { cwd });
    expect([again.code, again.stdout]).toEqual([
      0,
      expect.stringMatching(/domain\/orders in primitives\/domain\/orders: unchanged \d+\n/),
    ]);
    expect(await git('status', '--porcelain')).toBe('');
  });

  test('a dry run writes nothing, and its plan is the one that is carried out', async () => {
    const cwd = await emptyRepository();
    await cli.run(['init', '--repository', 'acme/app'], { cwd });
    const before = await contentOf(cwd, ['.git']);
    const args = ['scaffold', '--kind', 'projection', '--name', 'orders', '--json'];
    const dry = JSON.parse((await cli.run([...args, '--dry-run'], { cwd })).stdout);
    expect(await contentOf(cwd, ['.git'])).toEqual(before);
    const real = JSON.parse((await cli.run(args, { cwd })).stdout);
    expect(dry).toEqual({ ...real, written: false });
  });

  test('a dry run shows what is in conflict, and ends as the run would', async () => {
    const cwd = await emptyRepository();
    await cli.run(['init', '--repository', 'acme/app'], { cwd });
    await run('mkdir', ['-p', 'primitives/domain/orders'], { cwd });
    writeFileSync(join(cwd, 'primitives/domain/orders/README.md'), 'mine');
    const dry = await cli.run(['scaffold', '--kind', 'domain', '--name', 'orders', '--dry-run'], { cwd });
    expect([dry.code, dry.stdout]).toEqual([
      2,
      expect.stringMatching(/conflict +README.md .*existed before/),
    ]);
    const real = await cli.run(['scaffold', '--kind', 'domain', '--name', 'orders', '--json'], { cwd });
    expect([real.code, JSON.parse(real.stdout).code]).toEqual([2, 'scaffold-conflict']);
  });
});

describe('without a terminal', () => {
  test.each([
    [['init'], 'missing-flag', '--repository OWNER/NAME'],
    [['scaffold'], 'config-not-found', 'primitive init'],
  ])('%j', async (args, code, says) => {
    const { code: exit, stdout } = await cli.run([...args, '--json'], { cwd: await emptyRepository() });
    expect([exit, JSON.parse(stdout).code, stdout.includes(says)]).toEqual([2, code, true]);
  });

  test('missing flags are an error that lists the choices', async () => {
    const cwd = await emptyRepository();
    await cli.run(['init', '--repository', 'acme/app'], { cwd });
    const { code, stderr } = await cli.run(['scaffold'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('scaffold requires --kind and --name.');
    expect(stderr).toContain('domain (go, --service, --entity)');
  });

  test('init says what it wrote the config from', async () => {
    const cwd = await emptyRepository();
    await run('git', ['remote', 'add', 'origin', 'git@github.com:acme/app.git'], { cwd });
    const { stdout } = await cli.run(['init'], { cwd });
    expect(stdout).toContain(
      'Registry ghcr.io/acme; releases from branch main of github.com/acme/app.\nTo change this,',
    );
  });

  test('init overwrites nothing', async () => {
    const cwd = await emptyRepository();
    writeFileSync(join(cwd, 'primitive.config.yaml'), 'registry: r.io/x\n');
    const { code, stdout } = await cli.run(['init', '--repository', 'acme/app', '--json'], { cwd });
    expect([code, JSON.parse(stdout).code]).toEqual([2, 'init-exists']);
    expect(readFileSync(join(cwd, 'primitive.config.yaml'), 'utf8')).toBe('registry: r.io/x\n');
  });
});

// `script` of util-linux gives its child a terminal; that of macOS takes other arguments.
describe.skipIf(process.platform !== 'linux')('on a terminal', () => {
  test('what is missing is asked for, and a slip is told', async () => {
    const cwd = await emptyRepository();
    await cli.run(['init', '--repository', 'acme/app'], { cwd });
    const { code, screen, unasked } = await onTerminal(cwd, 'scaffold', [
      ['Kind (', 'domian\n'],
      ['did you mean domain?', 'domain\n'],
      ['Name, such as orders', 'Orders\n'],
      ['upper-case', 'orders\n'],
    ]);
    expect([code, unasked]).toEqual([0, []]);
    expect(screen).toContain('create ');
    expect(readdirSync(join(cwd, 'primitives/domain'))).toEqual(['orders']);
  });

  test('init asks for what no remote tells, and a slip is told', async () => {
    const cwd = await emptyRepository();
    const { code, unasked } = await onTerminal(cwd, 'init', [
      ['Repository, such as', 'acme\n'],
      ['is not a repository', 'git.example.com/acme/app\n'],
      ['Registry for images', 'Not a registry\n'],
      ['white space', 'registry.example.com/acme\n'],
      ['Write this?', 'yes\n'],
    ]);
    expect([code, unasked]).toEqual([0, []]);
    expect(readFileSync(join(cwd, 'primitive.config.yaml'), 'utf8')).toContain(
      'registry: registry.example.com/acme\n',
    );
  });

  test.each([
    ['no', 'no\n', 2, 'Nothing was written.'],
    ['Ctrl-C', '\u0003', 130, 'Stopped by SIGINT'],
    ['the end of input', '\u0004', 2, 'No answer to: Write this?'],
  ])('init shows what it would write, and %s writes nothing', async (_, answer, exit, says) => {
    const cwd = await emptyRepository();
    const { code, screen } = await onTerminal(cwd, 'init --repository acme/app', [['Write this?', answer]]);
    expect([code, screen.includes('registry: ghcr.io/acme'), screen.includes(says)]).toEqual([
      exit,
      true,
      true,
    ]);
    expect(readdirSync(cwd)).toEqual(['.git']);
  });
});

test('help does not load the YAML library', async () => {
  const broken = join(cli.home, 'broken');
  await cp(cli.folder, broken, { recursive: true });
  const dist = join(broken, 'dist');
  const libraries = globSync('**/*.js', { cwd: dist }).filter((name) =>
    readFileSync(join(dist, name), 'utf8').includes('YAMLParseError'),
  );
  expect(libraries.length).toBeGreaterThan(0);
  for (const name of libraries)
    writeFileSync(join(dist, name), "throw new Error('the library was loaded');\n");
  const cwd = await emptyRepository();
  const call = (CI: string, ...args: string[]) =>
    run(process.execPath, [join(broken, 'bin/run.js'), ...args], { cwd, env: { ...process.env, CI } });
  for (const ci of ['', 'true'])
    for (const args of [['--help'], ['scaffold', '--help'], ['init', '--help']])
      expect(await call(ci, ...args)).not.toBe('');
  await expect(call('', 'scaffold', '--kind', 'domain', '--name', 'orders')).rejects.toThrow(
    'internal-error',
  );
});
