import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createProcesses } from '../../../src/adapters/process.ts';
import { requireProgram } from '../../../src/toolchain/find.ts';
import type { ProgramName } from '../../../src/toolchain/programs.ts';
import { tool } from '../../tools/locate.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-programs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const processes = createProcesses({ PATH: process.env.PATH, HOME: process.env.HOME });
const find = (name: ProgramName, path: string) =>
  requireProgram(name, { path, platform: 'linux', processes });

/** A folder in which the tool has the program's name. */
async function folderOf(name: ProgramName, toolName: string): Promise<string> {
  const bin = await mkdtemp(join(folder, `${name}-`));
  await symlink(tool(toolName), join(bin, name));
  return bin;
}

describe('real programs', () => {
  test.each<[ProgramName, RegExp]>([
    ['cosign', /^3\./],
    ['syft', /^1\./],
  ])('the version of %s is read', async (name, version) => {
    expect((await find(name, dirname(tool(name)))).version).toMatch(version);
  });

  test('cosign 2 is too old', async () => {
    await expect(find('cosign', await folderOf('cosign', 'cosign2'))).rejects.toMatchObject({
      code: 'tool-too-old',
      exit: 3,
      message: expect.stringMatching(/^cosign 2\.6/),
    });
  });

  test('another program of the name is broken', async () => {
    await expect(find('syft', await folderOf('syft', 'crane'))).rejects.toMatchObject({
      code: 'tool-broken',
      exit: 3,
    });
  });
});
