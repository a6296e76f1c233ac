/**
 * Writes the files that are derived from the sources: oclif's manifest, the JSON Schemas of the documents, the list of verify's rules,
 * and the codes of errors.
 * With `--check` writes nothing and fails, naming every file that is stale.
 */
import { globSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { commandManifest } from '../src/cli/command-manifest.ts';
import { readErrorsPage } from '../src/features/explain/errors-page.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');

const generated = new Map<string, string>([['oclif.manifest.json', stringify(await ourManifest())]]);
for (const [file, schema] of await schemas()) generated.set(file, stringify(schema));

generated.set('src/features/verify/rules/all.ts', rules());
generated.set('src/core/codes.json', await codes());

const kept = await readdir(join(root, 'schemas')).catch(() => []);
const leftOver = kept.map((file) => `schemas/${file}`).filter((file) => !generated.has(file));
const stale = [...leftOver];
for (const [file, content] of generated) {
  const path = join(root, file);
  if ((await readFile(path, 'utf8').catch(() => undefined)) === content) continue;
  stale.push(file);
  if (check) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
if (check && stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}\nRun \`npm run generate\` and commit what it writes.`);
  process.exitCode = 1;
} else {
  console.log(
    check
      ? `${generated.size} generated files are fresh`
      : `wrote ${stale.length} of ${generated.size} files`,
  );
}

/** Of our commands, with the paths that they have in the package. */
async function ourManifest() {
  const { name, version, oclif } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const commands = { target: './src/commands', packed: 'dist/commands' };
  return commandManifest({ name, version, root, topics: oclif.topics }, commands);
}

/**
 * The schemas of all documents, by file. A document is what a module named `document.ts` or `…-document.ts` exports: a
 * schema whose key `schema` is `primitive.<name>/v<N>`, which also names the file.
 */
async function schemas(): Promise<ReadonlyMap<string, object>> {
  const base = `${await repositoryUrl()}/main/schemas`;
  const found = new Map<string, object>();
  for (const path of globSync('src/**/{document,*-document}.ts', { cwd: root }).sort()) {
    const documents = Object.values(await import(join(root, path))).flatMap((exported) => {
      const id = documentId(exported as object);
      return id === undefined ? [] : [[`${id.replace('/', '.')}.json`, exported as object] as const];
    });
    if (documents.length === 0) throw new Error(`${path} exports no schema of a document`);
    for (const [file, schema] of documents) {
      if (found.has(`schemas/${file}`)) throw new Error(`${path}: another module exports ${file}, too`);
      const $schema = 'https://json-schema.org/draft/2020-12/schema';
      found.set(`schemas/${file}`, { $schema, $id: `${base}/${file}`, ...schema });
    }
  }
  return found;
}

/** `primitive.list/v1`: the constant that the schema of a document, or each branch of it, has for the key `schema`. */
function documentId(schema: object): string | undefined {
  const { anyOf, properties } = schema as {
    readonly anyOf?: readonly object[];
    readonly properties?: { readonly schema?: { readonly const?: string } };
  };
  return anyOf?.[0] ? documentId(anyOf[0]) : properties?.schema?.const;
}

/** Where the files of the repository that package.json names can be read. */
async function repositoryUrl(): Promise<string> {
  const { repository } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [, path] = /github\.com\/(.+)\.git$/.exec(repository.url) ?? [];
  return `https://raw.githubusercontent.com/${path}`;
}

/** The codes that docs/errors.md explains, with their titles: its keys are the type of codes, so that no other can be thrown. */
async function codes(): Promise<string> {
  const page = await readFile(join(root, 'docs/errors.md'), 'utf8');
  return stringify(Object.fromEntries(readErrorsPage(page).map(({ code, title }) => [code, title])));
}

/** The rules of `verify`: a file `rules/<ID>.ts` each. */
function rules(): string {
  const ids = globSync('src/features/verify/rules/*-*.ts', { cwd: root })
    .map((path) => basename(path, '.ts'))
    .sort();
  const nameOf = (id: string) => id.replace('-', '_');
  return [
    '// Written by `npm run generate` from the files beside it.',
    "import type { AnyRule } from '../rule.ts';",
    ...ids.map((id) => `import { rule as ${nameOf(id)} } from './${id}.ts';`),
    '',
    '/** All rules, by id. */',
    'export const rules: readonly AnyRule[] = [',
    ...ids.map((id) => `  ${nameOf(id)},`),
    '];',
    '',
  ].join('\n');
}

/** Keys sorted, so that the order in which files are found or flags are declared makes no difference. */
function stringify(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 2)}\n`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
