import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../support/services/run.ts';
import { catalogue } from '../../tools/catalogue.ts';
import { compareVersions } from '../../tools/version.ts';

const tools = join(import.meta.dirname, '../../tools');
const install = join(tools, 'install.ts');
const goTools = catalogue.flatMap(({ name, source, minimum }) =>
  source.kind === 'go' ? [{ name, source, minimum }] : [],
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-tools-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that says a version; a script, because nothing else is sure to be there. */
async function fakeProgram(bin: string, name: string, says: string): Promise<void> {
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, name), `#!/bin/sh\necho "${says}"\n`);
  await chmod(join(bin, name), 0o755);
}

describe.each(goTools)('$name', ({ source, minimum }) => {
  it('is pinned, and new enough', async () => {
    if (typeof source.pin === 'string') {
      // SHA-256 in base64.
      expect(source.pin).toMatch(/^h1:[\w+/]{43}=$/);
    } else {
      const goMod = await readFile(join(tools, 'go', source.pin.folder, 'go.mod'), 'utf8');
      const required = [...goMod.matchAll(/^\s*(?:require )?(\S+) v(\S+)/gm)];
      expect(required.filter(([, path]) => path === source.module).map(([, , version]) => version)).toEqual([
        source.version,
      ]);
    }
    expect(compareVersions(source.version, minimum)).toBeGreaterThanOrEqual(0);
  });
});

describe('npm run tools', () => {
  it('takes what is on PATH in a usable version', async () => {
    const bin = join(folder, 'new');
    await fakeProgram(bin, 'cosign', 'GitVersion:    v3.9.1');
    const env = { PATH: bin, PRIMITIVE_TOOLS_DIR: join(folder, 'empty') };
    const ran = await attempt(process.execPath, [install, 'cosign'], { env });
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(join(bin, 'cosign')) });
  });

  it('names what it cannot get, and the command that does', async () => {
    const bin = join(folder, 'old');
    await fakeProgram(bin, 'cosign', 'GitVersion:    v2.4.0');
    const env = { PATH: bin, PRIMITIVE_TOOLS_DIR: join(folder, 'empty') };
    const ran = await attempt(process.execPath, [install, 'cosign'], { env });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('cosign: Go 1.26 or newer is needed');
    expect(ran.stderr).toContain('https://go.dev/dl');
    const unknown = await attempt(process.execPath, [install, 'cosing'], { env });
    expect(unknown.stderr).toContain('no tool is called "cosing"');
  });

  it('builds once when two ask at the same time, and leaves no partial file', async () => {
    const env = { PRIMITIVE_TOOLS_DIR: join(folder, 'shared'), PATH: pathWithout('olareg') };
    await mkdir(join(folder, 'shared/bin'), { recursive: true });
    await writeFile(join(folder, 'shared/bin/.partial-1-olareg'), 'what a killed run left');
    const both = await Promise.all([1, 2].map(() => attempt(process.execPath, [install, 'olareg'], { env })));
    expect(both.map((ran) => ran.code)).toEqual([0, 0]);
    expect(both.filter((ran) => ran.stderr.includes('building'))).toHaveLength(1);
    expect(await readdir(join(folder, 'shared/bin'))).toEqual(['olareg']);
  }, 300_000);
});

/** PATH without the folders that hold a program, so that an installed copy is not taken. */
function pathWithout(program: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((entry) => !existsSync(join(entry, program))).join(delimiter);
}
