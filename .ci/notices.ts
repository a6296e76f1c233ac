import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** SPDX ids of licences whose only duty is to carry their notice. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
]);

/**
 * The notices of every package that a bundle took a file from, sorted by name,
 * and of data in our sources that others wrote. Throws for a licence that is not on the list.
 *
 * `inputs` are paths relative to `root`.
 */
export async function thirdPartyNotices(root: string, inputs: readonly string[]): Promise<string> {
  const folders = new Set(inputs.flatMap((path) => packageFolder(path) ?? []));
  const data = inputs.filter((path) => path.startsWith('src/') && path.endsWith('.json'));
  const notices = await Promise.all([
    ...[...folders].map((folder) => noticeOf(join(root, folder))),
    ...data.map((path) => noticeOfData(join(root, path))),
  ]);
  const blocks = notices
    .sort((a, b) => (a.title < b.title ? -1 : 1))
    .map(({ title, text }) => `${title}\n\n${text}\n`);
  const rule = `\n${'-'.repeat(80)}\n\n`;
  return `primitive contains code and data of these packages, each under the licence that follows its name.\n${rule}${[...new Set(blocks)].join(rule)}`;
}

/** The innermost `node_modules/<name>` or `node_modules/@scope/<name>` of a path. */
function packageFolder(path: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

async function noticeOf(folder: string): Promise<{ readonly title: string; readonly text: string }> {
  const { name, version, license, author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  if (!isAllowed(license)) {
    throw new Error(`${name}@${version} is under ${JSON.stringify(license)}, which may not be bundled`);
  }
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const holder = typeof author === 'string' ? author : (author?.name ?? 'its authors');
  const absent = `Copyright ${holder}. The package itself carries no text of its licence.`;
  const text = texts.length === 0 ? absent : texts.map((part) => part.trim()).join('\n\n');
  return { title: `${name} ${version} (${license})`, text };
}

/** Of data of others that stands in our sources: it says where it comes from. */
async function noticeOfData(file: string): Promise<{ readonly title: string; readonly text: string }> {
  const { source, version, license } = JSON.parse(await readFile(file, 'utf8'));
  if (!isAllowed(license?.id)) throw new Error(`${file} does not say under which licence it may be bundled`);
  return { title: `${source} ${version} (${license.id})`, text: license.text };
}

/** `MIT`, or `(MIT OR X)` where one of the choices is allowed. */
function isAllowed(license: unknown): boolean {
  if (typeof license !== 'string') return false;
  return license
    .replace(/^\(|\)$/g, '')
    .split(' OR ')
    .some((id) => ALLOWED.has(id));
}
