import { posix } from 'node:path';
import { parse } from 'yaml';
import { field } from '../../core/object.ts';
import { recordedGenerators } from '../../kinds/generators/built-in.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { readManifest } from '../../repository/provenance.ts';
import type { Primitive } from './subjects.ts';
import type { Snapshot } from './work-tree.ts';

/** The proto files that a primitive serves, as a commit or the work tree has them. */
export interface ProtoModule {
  /** The folder that imports start from, relative to the root of the repository. */
  readonly root: string;
  /** The folder of the `buf.yaml` that is for them, if there is one. */
  readonly settingsFolder: string;
  readonly settings: unknown;
  /** Path below {@link root} -> content; sorted. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** The generator of a primitive that makes stubs of proto files, in the version that it records. */
export function protoGenerator({ kind, manifest }: Primitive): Generator | undefined {
  const generators = recordedGenerators(kind?.generators, manifest?.provenance?.generators);
  return generators.find(({ run }) => run === 'buf');
}

/**
 * Reads the proto files of a primitive: its own, or those around the file of `--service`, which is in the folder of its package.
 * `base` is the folder of the config. Undefined if there are none.
 */
export async function readProtoModule(
  primitive: Pick<Primitive, 'path'>,
  tree: Snapshot,
  base: string,
): Promise<ProtoModule | undefined> {
  const root = await rootOf(primitive, tree, base);
  const files = new Map<string, Uint8Array>();
  for (const path of await tree.list()) {
    const below = root === '' ? path : path.startsWith(`${root}/`) ? path.slice(root.length + 1) : '';
    // A tree can be made by hand.
    if (!below.endsWith('.proto') || below.split('/').includes('..')) continue;
    const bytes = await tree.read(path);
    if (bytes !== undefined) files.set(below, bytes);
  }
  if (files.size === 0) return undefined;
  return { root, files, ...(await settingsOf(root, tree)) };
}

async function rootOf({ path }: Pick<Primitive, 'path'>, tree: Snapshot, base: string): Promise<string> {
  const own = `${path}/proto`;
  const shown = `${path}/${MANIFEST}`;
  const text = await textAt(tree, shown);
  // One that cannot be read has a finding of its own.
  const manifest = text === undefined ? undefined : await readManifest(text, shown).catch(() => undefined);
  const service = manifest?.provenance?.inputs.service;
  if (service === undefined) return own;
  const file = posix.join(base, service);
  const packageName = PACKAGE.exec((await textAt(tree, file)) ?? '')?.[1] ?? '';
  const folder = `/${packageName.replaceAll('.', '/')}`;
  const around = `/${posix.dirname(file)}`;
  return around.endsWith(folder) ? around.slice(1, -folder.length) : posix.dirname(file);
}

const PACKAGE = /^package ([\w.]+) ?;/m;

/** The nearest `buf.yaml` at or above a folder. */
async function settingsOf(
  root: string,
  tree: Snapshot,
): Promise<Pick<ProtoModule, 'settingsFolder' | 'settings'>> {
  for (let folder = root; ; folder = posix.dirname(folder)) {
    const at = folder === '.' ? '' : folder;
    const text = await textAt(tree, posix.join(at, 'buf.yaml'));
    if (text !== undefined) return { settingsFolder: at, settings: yamlIn(text) };
    if (at === '') return { settingsFolder: root, settings: undefined };
  }
}

function yamlIn(text: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}

async function textAt(tree: Snapshot, path: string): Promise<string | undefined> {
  const bytes = await tree.read(path);
  return bytes && new TextDecoder().decode(bytes);
}

/** Whether files come from modules of a registry, which nobody fetches here. */
export function hasDependencies({ settings }: ProtoModule): boolean {
  const deps = field(settings, 'deps');
  return deps !== undefined && deps !== null && !(Array.isArray(deps) && deps.length === 0);
}

/**
 * What counts as a break, as the `breaking` of a `buf.yaml` that was released says. Consumers read JSON of events: whatever
 * it says, that stays readable.
 */
export function breakingOf({ settings }: ProtoModule): object {
  const breaking = field(settings, 'breaking');
  const list = (key: string) => texts(field(breaking, key));
  const use = list('use');
  const isEnough = use.some((one) => ENOUGH.includes(one));
  const onlyIn = field(breaking, 'ignore_only');
  return {
    use: use.length === 0 ? ['PACKAGE'] : isEnough ? use : [...use, 'WIRE_JSON'],
    except: list('except'),
    ignore: list('ignore'),
    ignore_only:
      typeof onlyIn === 'object' && onlyIn !== null
        ? Object.fromEntries(Object.keys(onlyIn).map((key) => [key, texts(field(onlyIn, key))]))
        : {},
    ignore_unstable_packages: field(breaking, 'ignore_unstable_packages') === true,
  };
}

/** Categories of buf that keep JSON readable. */
const ENOUGH = ['FILE', 'PACKAGE', 'WIRE_JSON'];

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
