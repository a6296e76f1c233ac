import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
const actionsOf = (files: Awaited<ReturnType<typeof scaffold>>['files']) =>
  Object.fromEntries(files.flatMap(({ path, action }) => (action === 'unchanged' ? [] : [[path, action]])));

test('without --update a newer template changes nothing, and the record does not say that it did', async () => {
  await using repo = await scaffolded();
  await template(repo, 2, changed(V1, 2, 'TWO'));
  const { template: said } = await scaffold(repo.root);
  expect(said).toEqual({ version: 2, recorded: 1, from: 1 });
  expect(await recordOf(repo)).toBe(1);
  expect(repo.git('status', '--porcelain')).toBe('');
  const { stdout } = await attempt(devCli, ['list', '--json'], { cwd: repo.root });
  expect(JSON.parse(stdout).primitives[0].template).toEqual({ version: 1, latest: 2 });
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
