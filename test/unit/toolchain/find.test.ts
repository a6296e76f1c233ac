import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { compareVersions, findProgram, requireProgram } from '../../../src/toolchain/find.ts';
import { installHints, type ProgramName, programs } from '../../../src/toolchain/programs.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'find-test-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const processes = createProcesses({ PATH: process.env.PATH });
const search = (...folders: string[]) => ({
  path: folders.map((folder) => (folder.startsWith('.') ? folder : join(dir, folder))).join(':'),
  platform: 'linux' as const,
  processes,
});
/** A program that prints a text for one exact argument list and fails otherwise. */
async function install(folder: string, name: string, args: string, output: string, mode = 0o755) {
  await mkdir(join(dir, folder), { recursive: true });
  const script = `#!/bin/sh\n[ "$*" = "${args}" ] || { echo "unknown command" >&2; exit 1; }\ncat <<'END'\n${output}\nEND\n`;
  await writeFile(join(dir, folder, name), script);
  await chmod(join(dir, folder, name), mode);
}

describe.skipIf(process.platform === 'win32')('findProgram', () => {
  test.each<[ProgramName, string, string, string, string]>([
    ['git', 'git', '--version', 'git version 2.39.5', '2.39.5'],
    ['git', 'git', '--version', 'git version 2.50.1 (Apple Git-155)', '2.50.1'],
    ['cosign', 'cosign', 'version', '  ____\nGitVersion:    v3.1.3\nGitCommit:     unknown', '3.1.3'],
    ['syft', 'syft', 'version', 'Application:   syft\nVersion:       1.52.0\nBuildDate:', '1.52.0'],
    ['buildx', 'buildx', 'version', 'github.com/docker/buildx v0.29.1 a1b2c3', '0.29.1'],
    ['buildx', 'docker-buildx', 'version', 'github.com/docker/buildx 0.20.1+ds1 0.20.1', '0.20.1'],
    ['buildah', 'buildah', '--version', 'buildah version 1.28.2 (image-spec 1.1.0-rc2)', '1.28.2'],
    ['docker', 'docker', '--version', 'Docker version 28.2.2, build e6534b4', '28.2.2'],
  ])('reads the version of %s from %s', async (name, file, args, output, version) => {
    await install('bin', file, args, output);
    expect(await findProgram(name, search('none', 'bin'))).toEqual({
      ok: true,
      program: { name, path: join(dir, 'bin', file), args: [], version },
    });
  });

  test('finds buildx as a plugin of docker', async () => {
    await install('bin', 'docker', 'buildx version', 'github.com/docker/buildx v0.17.0 x');
    const { args, version } = await requireProgram('buildx', search('bin'));
    expect({ args, version }).toEqual({ args: ['buildx'], version: '0.17.0' });
  });

  test('a docker without the plugin is no buildx', async () => {
    await install('bin', 'docker', '--version', 'Docker version 28.2.2, build x');
    await expect(requireProgram('buildx', search('bin'))).rejects.toMatchObject({ code: 'tool-not-found' });
  });

  test('a plugin that will do beats a stand-alone program that is too old', async () => {
    await install('bin', 'buildx', 'version', 'github.com/docker/buildx v0.10.0 x');
    await install('bin', 'docker', 'buildx version', 'github.com/docker/buildx v0.29.1 x');
    expect((await requireProgram('buildx', search('bin'))).args).toEqual(['buildx']);
  });

  test('the first one on PATH counts, as in a shell', async () => {
    await install('old', 'cosign', 'version', 'GitVersion:    v2.6.5');
    await install('new', 'cosign', 'version', 'GitVersion:    v3.1.3');
    expect((await requireProgram('cosign', search('new', 'old'))).version).toBe('3.1.3');
    await expect(requireProgram('cosign', search('old', 'new'))).rejects.toMatchObject({
      code: 'tool-too-old',
      exit: 3,
      message: 'cosign 2.6.5 is too old',
      why: expect.stringContaining(join(dir, 'old', 'cosign')),
      suggestions: installHints('cosign', 'linux'),
    });
  });

  test('what tells no version is broken', async () => {
    await install('bin', 'syft', 'version', 'Version:       [not provided]');
    await expect(requireProgram('syft', search('bin'))).rejects.toMatchObject({
      code: 'tool-broken',
      exit: 3,
    });
  });

  test('what the system cannot start is broken', async () => {
    await mkdir(join(dir, 'bin'));
    await writeFile(join(dir, 'bin', 'git'), '#!/no/such/interpreter\n', { mode: 0o755 });
    await expect(requireProgram('git', search('bin'))).rejects.toMatchObject({
      code: 'tool-broken',
      exit: 3,
    });
  });

  test.each([
    ['nothing there', async () => {}],
    ['not executable', () => install('bin', 'git', '--version', 'git version 2.39.5', 0o644)],
    ['a folder', () => mkdir(join(dir, 'bin', 'git'), { recursive: true })],
  ])('%s: not found, with the way to get it', async (_name, prepare) => {
    await prepare();
    const error = await requireProgram('git', search('bin')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'tool-not-found', exit: 3, message: 'git not found' });
    expect(error).toMatchObject({ suggestions: ['sudo apt-get install git', 'sudo dnf install git'] });
  });

  test('relative entries of PATH are passed over', async () => {
    await install('bin', 'git', '--version', 'git version 2.39.5');
    const relative = { ...search(), path: './bin:bin::.' };
    await expect(requireProgram('git', relative)).rejects.toMatchObject({ code: 'tool-not-found' });
  });

  test('no PATH at all', async () => {
    await expect(requireProgram('git', { ...search(), path: undefined })).rejects.toMatchObject({
      code: 'tool-not-found',
    });
  });

  test('the real git of this machine', async () => {
    const { version } = await requireProgram('git', { ...search(), path: process.env.PATH });
    expect(compareVersions(version, programs.git.minimum)).toBeGreaterThanOrEqual(0);
  });
});

test.each([
  ['1.2.3', '1.2.3', 0],
  ['1.10', '1.9.9', 1],
  ['2', '2.0.0', 0],
  ['0.13.0', '0.29.1', -1],
  ['3.1', '3.1.1', -1],
])('compareVersions(%s, %s)', (a, b, sign) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign);
});

test.each(['linux', 'darwin', 'win32'] as const)('every program has a way to get it on %s', (platform) => {
  for (const name of Object.keys(programs) as ProgramName[])
    expect(installHints(name, platform)).not.toEqual([]);
});
