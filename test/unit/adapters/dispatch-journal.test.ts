import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJournal } from '../../../src/adapters/dispatch-journal.ts';
import { type JournalEntry, keyOf } from '../../../src/features/gitops-scaffold/journal.ts';
import { temporaryFolder } from '../../support/git.ts';

const entry = (id: string, name = 'orders'): JournalEntry => ({
  schema: 'primitive.gitops-journal/v1',
  id,
  claim: id,
  api: 'https://api.github.com',
  repository: 'acme/gitops',
  workflow: 'scaffold.yaml',
  ref: 'main',
  inputs: { kind: 'domain', name },
  branch: `scaffold/domain-${name}-v1`,
  files: [],
});
const key = keyOf(entry('any'));

test('the key of a request is that of what is asked, however it is written', () => {
  const reordered = { ...entry('b'), repository: 'Acme/GitOps', inputs: { name: 'orders', kind: 'domain' } };
  expect(keyOf(reordered)).toBe(key);
  const others = [
    entry('a', 'billing'),
    { ...entry('a'), ref: 'next' },
    { ...entry('a'), api: 'https://ghes/api/v3' },
  ];
  expect(new Set([key, ...others.map(keyOf)]).size).toBe(4);
});

test('of many that are created at once one is kept, and all get that one', async () => {
  await using folder = await temporaryFolder();
  const journal = openJournal(join(folder.path, 'state', 'gitops'));
  const kept = await Promise.all(
    Array.from({ length: 20 }, (_, index) => journal.create(key, entry(`request-${index}`))),
  );
  expect(new Set(kept.map(({ id }) => id)).size).toBe(1);
  expect(await journal.list()).toEqual([kept[0]]);
  await journal.replace(key, { ...entry('request-99'), run: 7 });
  expect(await journal.read(key)).toMatchObject({ id: 'request-99', run: 7 });
  await journal.remove(key);
  expect(await journal.read(key)).toBeUndefined();
  expect(await readdir(join(folder.path, 'state', 'gitops'))).toEqual([]);
});

test('of many that follow one that has ended one is kept, also after it is known by its run', async () => {
  await using folder = await temporaryFolder();
  const journal = openJournal(folder.path);
  const ended = { ...entry('request-0'), run: 1 };
  await journal.create(key, ended);
  const ids = Array.from({ length: 20 }, (_, index) => `request-${index + 1}`);
  const kept = await Promise.all(ids.map((id) => journal.create(key, entry(id), ended)));
  expect(new Set(kept.map(({ id }) => id)).size).toBe(1);
  expect(await journal.list()).toEqual([kept[0]]);
  const [first = ended] = kept;
  await journal.replace(key, { ...first, run: 2 });
  expect(await journal.create(key, entry('request-late'), ended)).toEqual({ ...first, run: 2 });
  expect(await journal.list()).toEqual([{ ...first, run: 2 }]);
});

test('it is for its user alone, and forgets after a month', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'gitops');
  const journal = openJournal(path);
  await journal.create(key, entry('request-1'));
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(path, `${key}.json`))).mode & 0o777).toBe(0o600);
  const old = new Date(Date.now() - 40 * 24 * 3_600_000);
  await utimes(join(path, `${key}.json`), old, old);
  await journal.create(keyOf(entry('any', 'billing')), entry('request-2', 'billing'));
  expect((await journal.list()).map(({ id }) => id)).toEqual(['request-2']);
});

test('the list begins with what was written last', async () => {
  await using folder = await temporaryFolder();
  const journal = openJournal(folder.path);
  const names = ['stock', 'orders', 'billing', 'refunds'];
  const first = Date.now() - 3_600_000;
  for (const [minute, name] of names.entries()) {
    const made = entry(`request-${minute}`, name);
    await journal.create(keyOf(made), made);
    const then = new Date(first + minute * 60_000);
    await utimes(join(folder.path, `${keyOf(made)}.json`), then, then);
  }
  expect((await journal.list()).map(({ inputs }) => inputs.name)).toEqual(names.toReversed());
});

test('what is damaged or of another version counts as missing, and is replaced', async () => {
  await using folder = await temporaryFolder();
  const journal = openJournal(folder.path);
  for (const text of ['{', '{"schema":"primitive.gitops-journal/v2"}', '']) {
    await writeFile(join(folder.path, `${key}.json`), text);
    expect(await journal.read(key)).toBeUndefined();
    expect(await journal.create(key, entry('request-1'))).toMatchObject({ id: 'request-1' });
    expect(await journal.read(key)).toMatchObject({ id: 'request-1' });
  }
});

test('a place that cannot be written is refused before anything is sent', async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, 'file'), '');
  const journal = openJournal(join(folder.path, 'file', 'gitops'));
  await expect(journal.create(key, entry('request-1'))).rejects.toMatchObject({
    code: 'gitops-journal-unwritable',
    exit: 3,
  });
});
