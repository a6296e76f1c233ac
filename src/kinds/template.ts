import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../core/digest.ts';
import { PrimitiveError } from '../core/errors.ts';
import { field } from '../core/object.ts';
import { packagePath } from '../core/package.ts';
import { parseYaml } from '../yaml/read.ts';
import { Bases } from './bases-schema.ts';
import { platformDigests } from './generators/platform.ts';
import { type Kind, templateFolders } from './kind.ts';

/** One file that a kind writes. */
export interface TemplateFile {
  /** Relative to `files/`, with forward slashes, suffix and placeholders as they are. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Template files of a kind; sorted by path. */
export type Template = readonly TemplateFile[];

/**
 * Reads all files of some folders, such as a kind's `files/`; synchronously, since some forty small ones take a fraction
 * of the time so. Throws `kind-template-invalid` (exit 2) for what is neither a file nor a folder: a link could lead
 * anywhere.
 */
export function readTemplate(folders: readonly string[]): Template {
  const files = folders.flatMap((folder) => {
    if (!lstatSync(folder).isDirectory()) throw notPlain(folder);
    return readBelow(folder, '');
  });
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function readBelow(folder: string, prefix: string): TemplateFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    const absolute = join(folder, entry.name);
    if (entry.isDirectory()) return readBelow(absolute, `${path}/`);
    if (!entry.isFile()) throw notPlain(absolute);
    return [{ path, bytes: readFileSync(absolute) }];
  });
}

function notPlain(path: string): PrimitiveError {
  return new PrimitiveError('kind-template-invalid', `${path} is neither a file nor a folder.`, {
    why: 'files of a kind must not be links',
  });
}

/**
 * The digest of each template file, by its path, whatever it is rendered with: the SHA-256 of its text, and of the base images
 * and settings of the kind that it names, if it names any. By these a primitive records what it has of a template.
 */
function templateDigests(
  template: Template,
  {
    bases,
    run,
    version,
  }: { readonly bases: Bases; readonly run?: object | undefined; readonly version: number },
): ReadonlyMap<string, Digest> {
  const values = (text: string) =>
    [...new Set(text.match(NAMED))]
      .sort()
      .map((name) => `${name}=${valueAt({ bases, run, templateVersion: version }, name)}\n`);
  return new Map(
    template.map(({ path, bytes }) => {
      if (!path.endsWith('.eta')) return [path, digestOf(bytes)];
      const text = new TextDecoder().decode(bytes).replaceAll('\r\n', '\n');
      return [path, digestOf(text + values(text).join(''))];
    }),
  );
}

/** {@link templateDigests} of a kind, and of the shared code that its generators write. */
export function digestsOf(kind: Kind, template: Template, bases: Bases): ReadonlyMap<string, Digest> {
  const { run, version, generators } = kind;
  return new Map([...templateDigests(template, { bases, run, version }), ...platformDigests(generators)]);
}

/** {@link digestsOf} a kind as it is installed; empty for a kind without a template. */
export function digestsOfKind(kind: Kind): Promise<ReadonlyMap<string, Digest>> {
  const known = digests.get(kind) ?? readDigests(kind);
  digests.set(kind, known);
  return known;
}

/** Hundreds of primitives are of a few kinds. */
const digests = new WeakMap<Kind, Promise<ReadonlyMap<string, Digest>>>();

async function readDigests(kind: Kind): Promise<ReadonlyMap<string, Digest>> {
  if (!isScaffolded(kind)) return new Map();
  const bases = await readBases(packagePath('templates/bases.yaml'));
  return digestsOf(kind, readTemplate(templateFolders(kind)), bases);
}

/** Whether a kind has a template: without one, its primitives are written by hand. */
export function isScaffolded({ folder }: Pick<Kind, 'folder'>): boolean {
  return existsSync(join(folder, 'files'));
}

/** Values that a template takes from the kind or the bases, and not from the primitive. */
const NAMED = /\bit\.(?:bases\.\w+|run\.\w+|templateVersion)/g;

function valueAt(values: object, name: string): unknown {
  return name
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => field(value, key), values);
}

/** Reads `templates/bases.yaml`. Throws `kind-invalid` and its kin (exit 2) for a reference without tag or digest. */
export async function readBases(file: string): Promise<Bases> {
  const text = await readFile(file, 'utf8');
  return (await parseYaml({ text, shown: 'templates/bases.yaml', subject: 'kind' }, Bases)).value;
}
