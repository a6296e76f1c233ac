/**
 * Writes the files that are derived from the sources: oclif's manifest and the JSON Schemas of the documents.
 * With `--check` writes nothing and fails, naming every file that is stale.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Config } from '@oclif/core/config';
import { documentSchemas } from '../src/cli/schemas.ts';
import { releaseRecordSchema } from '../src/seal/record-schema.ts';
import { schemaDocuments } from '../src/workspace/schemas.ts';

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');

const generated = new Map<string, string>([['oclif.manifest.json', stringify(await manifest())]]);
for (const [file, schema] of schemas()) generated.set(file, stringify(schema));

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

/** The commands as oclif caches them, from the TypeScript, with the paths that they have in the package. */
async function manifest() {
  const pjson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  pjson.oclif.commands.target = './src/commands';
  const options = { root, pjson, isRoot: true, userPlugins: false, devPlugins: false };
  const config = await Config.load({ ...options, ignoreManifest: true, errorOnManifestCreate: true });
  const commands = config.commands.map((command) => {
    const relativePath = `dist/commands/${command.id.replaceAll(':', '/')}.js`.split('/');
    return [command.id, { ...command, isESM: true, relativePath }] as const;
  });
  return { commands: Object.fromEntries(commands), version: pjson.version };
}

/** Every schema that a module of ours exports for a document, by its file. */
function schemas(): readonly (readonly [file: string, schema: object])[] {
  const documents = Object.entries({ ...documentSchemas, release: releaseRecordSchema }).map(
    ([name, schema]) => {
      const file = `primitive.${name}.v1.json`;
      const $id = `https://raw.githubusercontent.com/ameide/primitive/main/schemas/${file}`;
      return { file, schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', $id, ...schema } };
    },
  );
  return [...documents, ...schemaDocuments].map(({ file, schema }) => [`schemas/${file}`, schema]);
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
