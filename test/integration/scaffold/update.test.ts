import { existsSync } from 'node:fs';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TestRepository } from '../../support/git.ts';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';
import { attempt, devCli } from '../../support/services/run.ts';

const KIND = 'node_modules/@acme/kinds/kinds/widget';
const FOLDER = 'primitives/widget/order-lines';
const SOURCE = `${FOLDER}/src/order_lines.ts`;

/** A template of that version; `source` is what it makes of the one file that people edit. */
async function template(repo: TestRepository, version: number, source: readonly string[]): Promise<void> {
  const path = join(repo.root, KIND, 'kind.yaml');
  await writeFile(path, (await readFile(path, 'utf8')).replace(/^version: \d+$/m, `version: ${version}`));
  await repo.write({
    [`${KIND}/files/src/[snake].ts.eta`]: `${source.join('\n')}\n`,
    [`${KIND}/files/Dockerfile`]: `FROM scratch\nCOPY . /v${version}\n`,
  });
}

const V1 = ['one', 'two', 'three', 'four', 'five', 'six', 'seven'];
const changed = (lines: readonly string[], line: number, text: string) => lines.with(line - 1, text);

/** Scaffolded from version 1, committed. */
async function scaffolded(): Promise<TestRepository> {
  const repo = await scaffoldRepo();
  await template(repo, 1, V1);
  await scaffold(repo.root);
  await repo.commit({}, 'Scaffold');
  return repo;
}

const edit = (repo: TestRepository, lines: readonly string[]) =>
  repo.commit({ [SOURCE]: `${lines.join('\n')}\n` });
const text = async (repo: TestRepository, path: string) => readFile(join(repo.root, path), 'utf8');
const recordOf = async (repo: TestRepository) =>
  Number(/^ {2}version: (\d+)$/m.exec(await text(repo, `${FOLDER}/primitive.yaml`))?.[1]);
const MANIFEST = `${FOLDER}/primitive.yaml`;
/** The state of its template, as `list` has it. */
const stateOf = async (repo: TestRepository) => {
  const { stdout } = await attempt(devCli, ['list', '--json'], { cwd: repo.root });
  return JSON.parse(stdout).primitives[0].template;
};
/** Another version of the package of the kind. */
const upgrade = (repo: TestRepository, version: string) =>
  repo.write({
    'node_modules/@acme/kinds/package.json': `{ "name": "@acme/kinds", "version": "${version}" }\n`,
  });
/** What is recorded of a template file. */
const lineOf = (manifest: string, path: string) =>
  manifest
    .slice(manifest.indexOf('  sources:'))
    .split('\n')
    .find((line) => line.endsWith(`  ${path}`));
const actionsOf = (files: Awaited<ReturnType<typeof scaffold>>['files']) =>
  Object.fromEntries(files.flatMap(({ path, action }) => (action === 'unchanged' ? [] : [[path, action]])));

test('without --update a newer template changes nothing, and the record does not say that it did', async () => {
  await using repo = await scaffolded();
  await template(repo, 2, changed(V1, 2, 'TWO'));
  const { template: said } = await scaffold(repo.root);
  expect(said).toEqual({ version: 2, recorded: 1, from: 1, behind: ['Dockerfile', 'src/order_lines.ts'] });
  expect(await recordOf(repo)).toBe(1);
  expect(repo.git('status', '--porcelain')).toBe('');
  const { stdout } = await attempt(devCli, ['list', '--json'], { cwd: repo.root });
  expect(JSON.parse(stdout).primitives[0].template).toEqual({
    version: 1,
    latest: 2,
    state: 'behind',
    behind: ['Dockerfile', 'src/[snake].ts.eta'],
  });
});

test('a file that is new in the template is written by an update alone, and makes the primitive behind until then', async () => {
  await using repo = await scaffolded();
  await repo.write({ [`${KIND}/files/src/more.ts`]: 'export const more = 1;\n' });
  const { files, template: said } = await scaffold(repo.root);
  expect(actionsOf(files)).toEqual({ 'src/more.ts': 'skip' });
  expect(files.find(({ path }) => path === 'src/more.ts')?.reason).toBe('template-added');
  expect(said.behind).toEqual(['src/more.ts']);
  expect(repo.git('status', '--porcelain')).toBe('');
  expect(await stateOf(repo)).toMatchObject({ state: 'behind', behind: ['src/more.ts'] });
  // What a generator writes is not a person's, and is there again.
  await rm(join(repo.root, FOLDER, 'gen/model.ts'));
  expect(actionsOf((await scaffold(repo.root, { restore: true })).files)).toEqual({
    'gen/model.ts': 'create',
    'src/more.ts': 'skip',
  });
  await scaffold(repo.root, { update: true });
  expect(await text(repo, `${FOLDER}/src/more.ts`)).toBe('export const more = 1;\n');
  expect(await stateOf(repo)).toMatchObject({ state: 'current' });
  expect(actionsOf((await scaffold(repo.root)).files)).toEqual({});
});

test('an update writes what was not edited, and merges what was: again with the next version', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 6, 'mine'));
  const V2 = changed(V1, 2, 'TWO');
  await template(repo, 2, V2);
  expect(actionsOf((await scaffold(repo.root, { update: true })).files)).toEqual({
    Dockerfile: 'update',
    'primitive.yaml': 'update',
    'src/order_lines.ts': 'merge',
  });
  expect(await text(repo, SOURCE)).toBe(`${changed(V2, 6, 'mine').join('\n')}\n`);
  expect(await text(repo, `${FOLDER}/Dockerfile`)).toBe('FROM scratch\nCOPY . /v2\n');
  expect(await recordOf(repo)).toBe(2);
  await repo.commit({}, 'Update');
  expect(actionsOf((await prepare(repo.root, { update: true })).plan.files)).toEqual({
    'src/order_lines.ts': 'keep',
  });

  const V3 = changed(changed(V2, 2, 'zwei'), 4, 'FOUR');
  await template(repo, 3, V3);
  await scaffold(repo.root, { update: true });
  expect(await text(repo, SOURCE)).toBe(`${changed(V3, 6, 'mine').join('\n')}\n`);
  expect(await recordOf(repo)).toBe(3);
});

test('lines that both changed get markers, exit code 1, and what the owner makes of them is not merged again', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 2, 'mine'));
  await template(repo, 2, changed(V1, 2, 'TWO'));
  const args = ['scaffold', '--kind', 'widget', '--name', 'order-lines', '--update'];
  const { code, stdout } = await attempt(devCli, args, { cwd: repo.root });
  expect([code, stdout]).toEqual([
    1,
    expect.stringContaining('Resolve src/order_lines.ts: the template changed the same lines (2).'),
  ]);
  expect(await text(repo, SOURCE)).toContain(
    '<<<<<<< yours\nmine\n||||||| scaffolded\ntwo\n=======\nTWO\n>>>>>>> template\n',
  );
  await edit(repo, changed(V1, 2, 'mine and TWO'));
  const again = await attempt(devCli, args, { cwd: repo.root });
  expect([again.code, await text(repo, SOURCE)]).toEqual([
    0,
    `${changed(V1, 2, 'mine and TWO').join('\n')}\n`,
  ]);
});

test('--diff shows what changes in each file, as text and as data, with and without --dry-run', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 6, 'mine'));
  await template(repo, 2, changed(V1, 2, 'TW\u001b[31mO'));
  await repo.write({ [`${KIND}/files/src/more.ts`]: 'export {};\n' });
  const args = ['scaffold', '--kind', 'widget', '--name', 'order-lines', '--update', '--diff'];
  const dry = await attempt(devCli, [...args, '--dry-run'], { cwd: repo.root });
  const shown = `diff --git a/${SOURCE} b/${SOURCE}
--- a/${SOURCE}
+++ b/${SOURCE}
@@ -1,5 +1,5 @@
 one
-two
+TWO
 three
 four
 five
`;
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining(shown)]);
  expect(dry.stdout).not.toContain('\u001b');
  const all = await attempt(devCli, ['scaffold', '--update', '--all', '--diff', '--dry-run', '--json'], {
    cwd: repo.root,
  });
  const before = repo.git('rev-parse', 'HEAD').trim();
  expect(repo.git('status', '--porcelain')).toBe('');
  const written = await attempt(devCli, [...args, '--json'], { cwd: repo.root });
  const { files } = JSON.parse(written.stdout) as Awaited<ReturnType<typeof scaffold>>;
  expect(JSON.parse(all.stdout).primitives[0].files).toEqual(files);
  expect(
    Object.fromEntries(files.flatMap(({ path, diff }) => (diff ? [[path, diff.split('\n')[1]]] : []))),
  ).toEqual({
    Dockerfile: `--- a/${FOLDER}/Dockerfile`,
    'primitive.yaml': `--- a/${MANIFEST}`,
    'src/more.ts': 'new file mode 100644',
    'src/order_lines.ts': `--- a/${SOURCE}`,
  });
  // They are all that was written: on the commit they come to the same files.
  repo.git('add', '--all');
  const made = repo.git('write-tree');
  repo.git('reset', '--quiet', '--hard', before);
  await repo.write({ '.git/all.diff': files.map(({ diff = '' }) => diff).join('') });
  repo.git('apply', '--index', '.git/all.diff');
  expect(repo.git('write-tree')).toBe(made);
  expect(
    (await attempt(devCli, ['scaffold', '--kind', 'widget', '--name', 'a-b', '--diff'], { cwd: repo.root }))
      .code,
  ).toBe(2);
});

describe('the digest of the template decides, not its version', () => {
  test('a change without another version is behind, and an update takes it over', async () => {
    await using repo = await scaffolded();
    await template(repo, 1, changed(V1, 2, 'TWO'));
    expect(await stateOf(repo)).toMatchObject({ state: 'behind', behind: ['src/[snake].ts.eta'] });
    expect(actionsOf((await scaffold(repo.root, { update: true })).files)).toMatchObject({
      'src/order_lines.ts': 'update',
    });
    expect(await stateOf(repo)).toMatchObject({ state: 'current', behind: [] });
  });

  test('another version without a change is not behind, and an update changes no file', async () => {
    await using repo = await scaffolded();
    const kind = join(repo.root, KIND, 'kind.yaml');
    await writeFile(kind, (await readFile(kind, 'utf8')).replace('version: 1', 'version: 7'));
    expect(await stateOf(repo)).toEqual({ version: 1, latest: 7, state: 'current', behind: [] });
    expect(actionsOf((await scaffold(repo.root, { update: true })).files)).toEqual({
      'primitive.yaml': 'update',
    });
  });

  test('one file that cannot be merged stays behind alone, and what it came from stays recorded', async () => {
    await using repo = await scaffolded();
    await edit(repo, changed(V1, 6, 'mine'));
    await rm(join(repo.root, '.git'), { recursive: true });
    repo.git('init', '--quiet', '--initial-branch=main');
    await repo.commit({}, 'Begin anew');
    const before = await text(repo, MANIFEST);
    await upgrade(repo, '1.1.0');
    await template(repo, 1, changed(V1, 2, 'TWO'));
    await repo.write({ [`${KIND}/files/Dockerfile`]: 'FROM scratch\n' });
    const { template: said } = await scaffold(repo.root, { update: true });
    expect(said.behind).toEqual(['src/order_lines.ts']);
    const after = await text(repo, MANIFEST);
    expect(lineOf(after, 'src/[snake].ts.eta')).toBe(lineOf(before, 'src/[snake].ts.eta'));
    expect(lineOf(after, 'Dockerfile')).not.toBe(lineOf(before, 'Dockerfile'));
    expect(after).toContain('origins: |-\n    @acme/kinds@1.1.0\n    @acme/kinds@1.0.0\n');
    expect(await stateOf(repo)).toMatchObject({ behind: ['src/[snake].ts.eta'] });
  });

  test('a package of an older version takes nothing back, also if its kinds have the same version', async () => {
    await using repo = await scaffolded();
    await upgrade(repo, '1.1.0');
    await template(repo, 1, changed(V1, 2, 'TWO'));
    await scaffold(repo.root, { update: true });
    await repo.commit({}, 'Update');
    await upgrade(repo, '1.0.0');
    await template(repo, 1, V1);
    await expect(scaffold(repo.root, { update: true })).rejects.toMatchObject({
      code: 'scaffold-template-newer',
      exit: 2,
      why: 'It was written by @acme/kinds 1.1.0; this is 1.0.0.',
    });
  });
});

describe('a record of an earlier version', () => {
  /** As it was written before digests of template files were recorded. */
  const old = async (repo: TestRepository) => {
    const now = await text(repo, MANIFEST);
    const before = now
      .replace(/^ {2}(?:sources|origins): \|?.*\n(?: {4}.*\n)*/gm, '')
      .replace(/^ {2}generators:\n(?: {4}.*\n)*/m, '');
    expect(before).not.toBe(now);
    await repo.commit({ [MANIFEST]: before }, 'As it was');
  };

  test('says that it does not know, stays as it is, and is completed by an update', async () => {
    await using repo = await scaffolded();
    const whole = await text(repo, MANIFEST);
    await old(repo);
    expect(await stateOf(repo)).toEqual({ version: 1, latest: 1, state: 'unknown', behind: [] });
    await scaffold(repo.root);
    expect(repo.git('status', '--porcelain')).toBe('');
    expect(actionsOf((await scaffold(repo.root, { update: true })).files)).toEqual({
      'primitive.yaml': 'update',
    });
    expect(await text(repo, MANIFEST)).toBe(whole);
  });

  test('takes over a newer template as any other', async () => {
    await using repo = await scaffolded();
    await old(repo);
    await edit(repo, changed(V1, 6, 'mine'));
    await template(repo, 2, changed(V1, 2, 'TWO'));
    await scaffold(repo.root, { update: true });
    expect(await text(repo, SOURCE)).toBe(`${changed(changed(V1, 2, 'TWO'), 6, 'mine').join('\n')}\n`);
    expect(await stateOf(repo)).toMatchObject({ state: 'current' });
  });
});

describe('files that the template renames or drops', () => {
  const RENAMED = `${FOLDER}/src/lines.ts`;
  const rename = async (repo: TestRepository, lines: readonly string[]) => {
    await rm(join(repo.root, KIND, 'files/src/[snake].ts.eta'));
    await repo.write({ [`${KIND}/files/src/lines.ts`]: `${lines.join('\n')}\n` });
  };

  test('a renamed file is followed: unedited, with what it changed', async () => {
    await using repo = await scaffolded();
    await rename(repo, changed(V1, 2, 'TWO'));
    const { files } = await scaffold(repo.root, { update: true });
    expect(files.find(({ path }) => path === 'src/lines.ts')).toMatchObject({
      action: 'move',
      from: 'src/order_lines.ts',
    });
    expect(await text(repo, RENAMED)).toBe(`${changed(V1, 2, 'TWO').join('\n')}\n`);
    expect(existsSync(join(repo.root, SOURCE))).toBe(false);
    await repo.commit({}, 'Update');
    expect(actionsOf((await prepare(repo.root, { update: true })).plan.files)).toEqual({});
  });

  test('an edited one keeps what its owner wrote, and is merged again at its new path', async () => {
    await using repo = await scaffolded();
    await edit(repo, changed(V1, 6, 'mine'));
    const V2 = changed(V1, 2, 'TWO');
    await rename(repo, V2);
    await scaffold(repo.root, { update: true });
    expect(await text(repo, RENAMED)).toBe(`${changed(V2, 6, 'mine').join('\n')}\n`);
    expect(existsSync(join(repo.root, SOURCE))).toBe(false);
    await repo.commit({}, 'Update');
    const V3 = changed(V2, 4, 'FOUR');
    await repo.write({ [`${KIND}/files/src/lines.ts`]: `${V3.join('\n')}\n` });
    await scaffold(repo.root, { update: true });
    expect(await text(repo, RENAMED)).toBe(`${changed(V3, 6, 'mine').join('\n')}\n`);
  });

  test('what its owner deleted does not come back under the new name', async () => {
    await using repo = await scaffolded();
    await rm(join(repo.root, SOURCE));
    await repo.commit({}, 'Delete');
    await rename(repo, changed(V1, 2, 'TWO'));
    const { files } = await scaffold(repo.root, { update: true });
    expect(files.find(({ path }) => path === 'src/lines.ts')).toMatchObject({ action: 'skip' });
    expect(existsSync(join(repo.root, RENAMED))).toBe(false);
  });

  test('a dropped file is deleted, unless its owner has changed it', async () => {
    await using repo = await scaffolded();
    await scaffold(repo.root, { name: 'stock' });
    await repo.commit({}, 'More');
    await edit(repo, changed(V1, 6, 'mine'));
    await rm(join(repo.root, KIND, 'files/src/[snake].ts.eta'));
    expect(actionsOf((await scaffold(repo.root, { update: true })).files)['src/order_lines.ts']).toBe('keep');
    expect(
      actionsOf((await scaffold(repo.root, { name: 'stock', update: true })).files)['src/stock.ts'],
    ).toBe('delete');
    expect(existsSync(join(repo.root, 'primitives/widget/stock/src'))).toBe(false);
  });

  test('a link, or a folder, at the new name is a conflict, and nothing is written', async () => {
    await using repo = await scaffolded();
    await symlink('order_lines.ts', join(repo.root, RENAMED));
    await repo.commit({}, 'Link');
    await rename(repo, changed(V1, 2, 'TWO'));
    await expect(scaffold(repo.root, { update: true })).rejects.toMatchObject({ code: 'scaffold-conflict' });
    expect(await text(repo, SOURCE)).toBe(`${V1.join('\n')}\n`);
  });
});

describe('line ends of Windows', () => {
  const crlf = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

  test('are no edit, and stay', async () => {
    await using repo = await scaffolded();
    await repo.commit({ [SOURCE]: crlf(V1) }, 'As Windows has it');
    expect(actionsOf((await prepare(repo.root)).plan.files)).toEqual({});
    await template(repo, 2, changed(V1, 2, 'TWO'));
    expect(actionsOf((await scaffold(repo.root, { update: true })).files)['src/order_lines.ts']).toBe(
      'update',
    );
    expect(await text(repo, SOURCE)).toBe(crlf(changed(V1, 2, 'TWO')));
  });

  test('are merged by their lines', async () => {
    await using repo = await scaffolded();
    await repo.commit({ [SOURCE]: crlf(changed(V1, 6, 'mine')) }, 'As Windows has it');
    await template(repo, 2, changed(V1, 2, 'TWO'));
    const { files } = await scaffold(repo.root, { update: true });
    expect(files.find(({ path }) => path === 'src/order_lines.ts')).toMatchObject({ action: 'merge' });
    expect(await text(repo, SOURCE)).toBe(crlf(changed(changed(V1, 2, 'TWO'), 6, 'mine')));
  });
});

describe('generated files', () => {
  test('are of the recorded version: a newer template changes them in an update alone', async () => {
    await using repo = await scaffolded();
    await repo.write({ [`${KIND}/files/gen/model.ts.eta`]: "export const name = 'newer';\n" });
    const kind = join(repo.root, KIND, 'kind.yaml');
    await writeFile(kind, (await readFile(kind, 'utf8')).replace('version: 1.0.0', 'version: 2.0.0'));
    expect(await text(repo, MANIFEST)).toContain('  generators:\n    model: 1.0.0\n');
    await scaffold(repo.root);
    expect(repo.git('status', '--porcelain')).toBe('');
    await scaffold(repo.root, { update: true });
    expect(await text(repo, `${FOLDER}/gen/model.ts`)).toBe("export const name = 'newer';\n");
    expect(await text(repo, MANIFEST)).toContain('  generators:\n    model: 2.0.0\n');
  });

  test('that a person edited are written again, in the recorded version', async () => {
    await using repo = await scaffolded();
    const path = `${FOLDER}/gen/model.ts`;
    const made = await text(repo, path);
    await repo.commit({ [path]: 'mine\n' }, 'Edit');
    await scaffold(repo.root);
    expect(await text(repo, path)).toBe(made);
  });
});

test('two updates at once end as one does', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 6, 'mine'));
  const V2 = changed(V1, 2, 'TWO');
  await template(repo, 2, V2);
  const both = await Promise.allSettled([1, 2].map(() => scaffold(repo.root, { update: true })));
  const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(
    refused.every((code) => ['scaffold-busy', 'scaffold-moved', 'scaffold-uncommitted'].includes(code)),
  ).toBe(true);
  expect(await text(repo, SOURCE)).toBe(`${changed(V2, 6, 'mine').join('\n')}\n`);
  expect(await stateOf(repo)).toMatchObject({ state: 'current' });
});

test('what its owner deleted is recorded as such, and is no reason to be behind', async () => {
  await using repo = await scaffolded();
  await rm(join(repo.root, SOURCE));
  await repo.commit({}, 'Delete');
  await template(repo, 2, changed(V1, 2, 'TWO'));
  await scaffold(repo.root, { update: true });
  expect(await text(repo, MANIFEST)).toContain('  omitted: src/[snake].ts.eta\n');
  expect(await stateOf(repo)).toMatchObject({ state: 'current' });
  await scaffold(repo.root, { restore: true });
  expect(await text(repo, MANIFEST)).not.toContain('omitted');
});

test('a primitive that was renamed finds what its files were scaffolded with', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 6, 'mine'));
  repo.git('mv', SOURCE, `${FOLDER}/src/kept.ts`);
  repo.git('commit', '--quiet', '--message', 'Move away');
  repo.git('mv', `${FOLDER}/src/kept.ts`, SOURCE);
  repo.git('commit', '--quiet', '--message', 'Move back');
  await template(repo, 2, changed(V1, 2, 'TWO'));
  expect(actionsOf((await scaffold(repo.root, { update: true })).files)['src/order_lines.ts']).toBe('merge');
});

test('without the history an edited file is kept, the version stays, and the exit code is 1', async () => {
  await using repo = await scaffolded();
  await edit(repo, changed(V1, 6, 'mine'));
  await rm(join(repo.root, '.git'), { recursive: true });
  repo.git('init', '--quiet', '--initial-branch=main');
  await repo.commit({}, 'Begin anew');
  await template(repo, 2, changed(V1, 2, 'TWO'));
  const args = ['scaffold', '--kind', 'widget', '--name', 'order-lines', '--update'];
  const { code, stdout } = await attempt(devCli, [...args, '--json'], { cwd: repo.root });
  const { files, template: said } = JSON.parse(stdout);
  expect([code, said.recorded]).toEqual([1, 1]);
  expect(files.find(({ path }: { path: string }) => path === 'src/order_lines.ts')).toMatchObject({
    action: 'keep',
    reason: 'base-missing',
  });
  expect(await text(repo, `${FOLDER}/Dockerfile`)).toBe('FROM scratch\nCOPY . /v2\n');
});

test('what is not committed is not written over; an older template takes nothing back', async () => {
  await using repo = await scaffolded();
  await template(repo, 2, changed(V1, 2, 'TWO'));
  await writeFile(join(repo.root, SOURCE), `${changed(V1, 6, 'mine').join('\n')}\n`);
  await expect(scaffold(repo.root, { update: true })).rejects.toMatchObject({
    code: 'scaffold-uncommitted',
    exit: 2,
    why: SOURCE,
  });
  expect(await text(repo, `${FOLDER}/Dockerfile`)).toBe('FROM scratch\nCOPY . /v1\n');
  await repo.commit({}, 'Edit');
  await scaffold(repo.root, { update: true });
  await repo.commit({}, 'Update');
  await template(repo, 1, V1);
  await expect(scaffold(repo.root, { update: true })).rejects.toMatchObject({
    code: 'scaffold-template-newer',
  });
  await scaffold(repo.root);
  expect([repo.git('status', '--porcelain'), await recordOf(repo)]).toEqual(['', 2]);
});

test('--all updates every primitive that was scaffolded, and says which have nothing new', async () => {
  await using repo = await scaffolded();
  await scaffold(repo.root, { name: 'stock' });
  await repo.commit({ 'primitives/domain/adopted/primitive.yaml': 'kind: domain\nname: adopted\n' }, 'More');
  await template(repo, 2, changed(V1, 2, 'TWO'));
  const all = (...args: readonly string[]) =>
    attempt(devCli, ['scaffold', '--update', '--all', ...args], { cwd: repo.root });
  const dry = await all('--dry-run');
  expect([dry.code, dry.stdout]).toEqual([
    0,
    expect.stringContaining('widget/stock: version 1 to 2; nothing was written'),
  ]);
  expect(repo.git('status', '--porcelain')).toBe('');
  const { code, stdout } = await all('--json');
  const { primitives, written } = JSON.parse(stdout);
  expect([code, written, primitives.map(({ name }: { name: string }) => name)]).toEqual([
    0,
    true,
    ['order-lines', 'stock'],
  ]);
  expect(await text(repo, SOURCE)).toBe(`${changed(V1, 2, 'TWO').join('\n')}\n`);
  await repo.commit({}, 'Update');
  expect((await all()).stdout).toContain('widget/stock: version 2, nothing to update');
  expect((await all('--colour', 'red')).code).toBe(2);
  const odd = await attempt(devCli, ['scaffold', '--all'], { cwd: repo.root });
  expect(odd.code).toBe(2);
});
