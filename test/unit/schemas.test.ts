import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const [, repository = ''] =
  /github\.com\/(.+)\.git$/.exec(JSON.parse(read('package.json')).repository.url) ?? [];
const schemas = globSync('schemas/*.json', { cwd: root }).sort();

test.each(schemas)('%s has the address at which it is published', (path) => {
  expect(JSON.parse(read(path)).$id).toBe(
    `https://raw.githubusercontent.com/${repository}/main/schemas/${basename(path)}`,
  );
});

test('every address of this repository names its owner', () => {
  const files = globSync(['*.md', 'docs/**/*.md', 'src/**/*.ts', 'templates/**/*.*'], { cwd: root });
  const addresses = files.flatMap((path) => [
    ...read(path).matchAll(/github(?:usercontent)?\.com\/([\w-]+\/primitive)\b/g),
  ]);
  expect(addresses.length).toBeGreaterThan(0);
  expect([...new Set(addresses.map(([, name]) => name))]).toEqual([repository]);
});
