import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../src/features/doctor/document.ts';
import { type Call, installPacked, type Packed } from '../support/packed.ts';
import { attempt, run } from '../support/services/run.ts';
import { tool } from '../tools/locate.ts';

/** All that a command could look for. */
const NAMES = [
  ...['git', 'cosign', 'syft', 'buildx', 'docker-buildx', 'docker', 'buildah', 'runc', 'crun'],
  ...['buf', 'gh', 'go', 'python3', 'uv', 'ssh', 'docker-credential-acme'],
];
const COMMANDS = [
  ['list'],
  ['doctor'],
  ['publish', '--dry-run'],
  ['verify', '--no-tests'],
  ['generate', '--check'],
] as readonly (readonly [string, ...string[]])[];

let cli: Packed;
let tarball: string;
/** Where every program of the checkout says that it ran. */
let log: string;
let repository: string;
/** The programs of this machine; nothing of a checkout or a package. */
let PATH: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  cli = await installPacked();
  tarball = join(cli.folder, '../../..', globSync('*.tgz', { cwd: join(cli.folder, '../../..') })[0] ?? '');
  const bin = join(cli.home, 'bin');
  mkdirSync(bin);
  for (const name of ['git', 'cosign', 'syft', 'buildx', 'buf']) symlinkSync(tool(name), join(bin, name));
  symlinkSync(process.execPath, join(bin, 'node'));
  PATH = [bin, '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
});
afterAll(() => cli[Symbol.asyncDispose]());

/** A repository with programs in a folder of it, all committed. */
beforeEach(async () => {
  repository = realpathSync(await mkdtemp(join(cli.home, 'repository-')));
  log = `${repository}.log`;
  const docker = { credHelpers: { 'registry.invalid': 'acme' } };
  write(`${repository}.docker/config.json`, JSON.stringify(docker));
  env = {
    PATH,
    HOME: cli.home,
    DOCKER_CONFIG: `${repository}.docker`,
    npm_config_cache: join(cli.home, 'npm'),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  };
  write('primitive.config.yaml', 'registry: registry.invalid/acme\nplatforms: [linux/amd64]\n');
  write('primitives/domain/orders/primitive.yaml', 'kind: domain\nname: orders\n');
  write('primitives/domain/orders/Dockerfile', 'FROM scratch\nCOPY . /\n');
  const scripts = Object.fromEntries(COMMANDS.map((args) => [args[0], `primitive ${args.join(' ')}`]));
  write('package.json', JSON.stringify({ name: 'acme', private: true, scripts }));
});

function write(path: string, text: string, mode = 0o644): void {
  const file = path.startsWith('/') ? path : join(repository, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}

/** Commits programs to a folder; each says that it ran, and then does what the real one does. */
async function commitPrograms(folder: string): Promise<void> {
  for (const name of NAMES) {
    const real = existsSync(join(cli.home, 'bin', name)) ? join(cli.home, 'bin', name) : '/bin/false';
    write(join(folder, name), `#!/bin/sh\necho "$0 $*" >>'${log}'\nexec '${real}' "$@"\n`, 0o755);
  }
  const git = (...args: readonly string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: repository });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--force', '.');
  await git('commit', '--quiet', '--message=attack');
}

const started = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');

const npm = (...args: readonly string[]): Promise<Call> =>
  attempt('npm', args, { cwd: repository, env: { ...env } });

describe.each(COMMANDS.map((command) => ({ command })))('$command', ({ command }) => {
  test('by npx starts nothing that a commit put into node_modules/.bin', async () => {
    await commitPrograms('node_modules/.bin');
    const called = await npm('exec', '--yes', `--package=file:${tarball}`, '--', 'primitive', ...command);
    expect(`${called.stdout}${called.stderr}`).not.toMatch(/npm error|not found: primitive/);
    expect(started()).toBe('');
  });

  test('by an npm script starts nothing of node_modules/.bin, where it is itself', async () => {
    await commitPrograms('node_modules/.bin');
    symlinkSync(join(cli.folder, 'bin/run.js'), join(repository, 'node_modules/.bin/primitive'));
    const called = await npm('run', '--silent', command[0]);
    expect(`${called.stdout}${called.stderr}`).not.toMatch(/npm error/);
    expect(started()).toBe('');
  });

  test('starts nothing of a folder of the repository that PATH has by a link', async () => {
    await commitPrograms('tools/bin');
    const link = join(cli.home, `link-${command[0]}`);
    symlinkSync(join(repository, 'tools/bin'), link);
    const path = [link, join(repository, 'tools/bin'), PATH].join(delimiter);
    await cli.run(command, { cwd: repository, env: { ...env, PATH: path } });
    expect(started()).toBe('');
  });

  test('starts nothing of the repository that -C and --config name', async () => {
    await commitPrograms('tools/bin');
    const path = [join(repository, 'tools/bin'), PATH].join(delimiter);
    const called = { cwd: cli.home, env: { ...env, PATH: path } };
    await cli.run(['-C', repository, ...command], called);
    await cli.run([...command, '--config', join(repository, 'primitive.config.yaml')], called);
    expect(started()).toBe('');
  });
});

test('npx and npm scripts still run the CLI that they bring', async () => {
  await commitPrograms('node_modules/.bin');
  symlinkSync(join(cli.folder, 'bin/run.js'), join(repository, 'node_modules/.bin/primitive'));
  for (const args of [
    ['exec', '--', 'primitive', 'list'],
    ['run', '--silent', 'list'],
  ]) {
    const { code, stdout } = await npm(...args);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('orders') });
  }
});

test('a program that leads into the repository is refused, and the environment may allow its folder', async () => {
  await commitPrograms('tools/bin');
  const bin = join(cli.home, 'linked');
  mkdirSync(bin);
  for (const name of NAMES) symlinkSync(join(repository, 'tools/bin', name), join(bin, name));
  const path = [bin, PATH].join(delimiter);
  const refused = await cli.run(['list'], { cwd: repository, env: { ...env, PATH: path } });
  expect(refused.code).toBe(3);
  expect(refused.stderr).toContain(`Cannot start ${bin}/git: it is in the repository`);
  expect(refused.stderr).toContain(`export PRIMITIVE_PROGRAM_FOLDERS=${bin}`);
  for (const command of COMMANDS) await cli.run(command, { cwd: repository, env: { ...env, PATH: path } });
  expect(started()).toBe('');
  const allowed = { ...env, PATH: path, PRIMITIVE_PROGRAM_FOLDERS: `relative:${bin}` };
  expect((await cli.run(['list'], { cwd: repository, env: allowed })).code).toBe(0);
  expect(started()).toContain('/git ');
});

test('plugins and builders of a Docker folder in the repository are not used', async () => {
  await commitPrograms('.docker/cli-plugins');
  const config = { ...env, DOCKER_CONFIG: join(repository, '.docker') };
  const { stdout } = await cli.run(['doctor', '--json'], { cwd: repository, env: config });
  const builder = (JSON.parse(stdout) as DoctorReport).checks.find(({ id }) => id === 'builder');
  expect(JSON.stringify(builder)).toContain('DOCKER_CONFIG is in the repository');
  expect(started()).toBe('');
});

describe('what is passed over is named', () => {
  const doctor = async (path: string, more: Readonly<Record<string, string>> = {}) => {
    const { stdout } = await cli.run(['doctor', '--json'], {
      cwd: repository,
      env: { ...env, PATH: path, ...more },
    });
    const report: DoctorReport = JSON.parse(stdout);
    return (id: string) => report.checks.find((check) => check.id === id);
  };

  test('by doctor, with the way to allow it', async () => {
    await commitPrograms('node_modules/.bin');
    const folder = join(repository, 'node_modules/.bin');
    const path = [folder, PATH].join(delimiter);
    const allow = expect.stringContaining(`export PRIMITIVE_PROGRAM_FOLDERS=${folder}`);
    expect((await doctor(path))('programs')).toMatchObject({
      state: 'warn',
      code: 'programs-skipped',
      detail: '1 folder of PATH skipped',
      why: `${folder} is skipped, because it is in the repository ${repository}`,
      fix: [allow],
    });
    const allowed = await doctor(path, { PRIMITIVE_PROGRAM_FOLDERS: folder });
    expect(allowed('programs')).toMatchObject({ state: 'ok', detail: 'no folder of PATH is skipped' });
    expect(started()).toContain(`${folder}/cosign version`);
  });

  test('by the error of a program that is nowhere else', async () => {
    await commitPrograms('node_modules/.bin');
    const folder = join(repository, 'node_modules/.bin');
    const of = await doctor([folder, '/usr/bin', '/bin'].join(delimiter));
    expect(of('cosign')).toMatchObject({
      code: 'tool-not-found',
      why: expect.stringContaining(`; ${folder} is skipped, because it is in the repository ${repository}`),
      fix: expect.arrayContaining([expect.stringContaining(`PRIMITIVE_PROGRAM_FOLDERS=${folder}`)]),
    });
    expect(started()).toBe('');
  });
});
