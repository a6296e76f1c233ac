/**
 * What each version of a built-in generator makes, in `test/released.sha256`: a list for each release, of the files of
 * versions that were not released before. It only grows.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BUILT_IN, builtInNames } from '../src/kinds/generators/built-in.ts';
import { ONLY_WITH } from '../src/kinds/generators/platform.ts';
import { allKinds, bundledKinds, openKinds } from '../src/kinds/kind.ts';

export const RELEASED = join(import.meta.dirname, '../test/released.sha256');

/** `<generator>/<version>/<path>` -> SHA-256. */
export type Files = ReadonlyMap<string, string>;

const SAMPLES = join(import.meta.dirname, '../test/released');

/** What `primitive.yaml` says of the model in {@link SAMPLES}. */
const BPMN = {
  names: { '2fa-check': 'CheckSecondFactor' },
  events: {
    'acme.payments.v1.PaymentRequested': {
      message: 'sample.work.completed.v1',
      correlation: 'data.payment.id',
      variables: { paid_at: 'time' },
    },
  },
};

/**
 * All that all versions make today of the samples, for the module `example.com/service`, which requires what any shared code
 * needs.
 */
export async function madeToday(): Promise<Files> {
  const required = [...ONLY_WITH.values()].map((module) => `require ${module} v1.0.0\n`);
  const inputs: Readonly<Record<string, Uint8Array>> = {
    'go.mod': Buffer.from(`module example.com/service\n${required.join('')}`),
    'bpmn/process.bpmn': await readFile(join(SAMPLES, 'model.bpmn')),
    'proto/service.proto': await readFile(join(SAMPLES, 'service.proto')),
  };
  const readers = new Map((await kindGenerators()).map(({ run, reads }) => [run, reads]));
  const files = new Map<string, string>();
  for (const [run, versions] of Object.entries(BUILT_IN)) {
    for (const [version, { generate }] of Object.entries(versions)) {
      const made = await generate(
        { id: run, run, version, reads: readers.get(run) ?? [], writes: `${run}/${version}` },
        { read: async (path) => inputs[path], shown: '', bpmn: BPMN },
      );
      for (const [path, text] of made.files) files.set(path, createHash('sha256').update(text).digest('hex'));
    }
  }
  return files;
}

/** The versions that kinds name today: `<generator>/<version>`. */
export async function versionsOfKinds(): Promise<ReadonlySet<string>> {
  return new Set((await kindGenerators()).map(({ run, version }) => `${run}/${version}`));
}

/** The built-in generators of all kinds. */
async function kindGenerators() {
  const kinds = await allKinds(await openKinds({ bundled: bundledKinds() }));
  return kinds.flatMap(({ generators = [] }) => generators.filter(({ run }) => builtInNames.includes(run)));
}

/** The lists in a text, by the version of the release. */
export function readReleased(text: string): ReadonlyMap<string, Files> {
  const releases = new Map<string, Map<string, string>>();
  let list: Map<string, string> | undefined;
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [, release] = /^v(\S+)$/.exec(line) ?? [];
    const [, digest = '', path = ''] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (release !== undefined) {
      list = new Map();
      releases.set(release, list);
    } else if (list !== undefined && path !== '') list.set(path, digest);
    else throw new Error(`test/released.sha256: cannot read ${JSON.stringify(line)}`);
  }
  return releases;
}

/** How what is made differs from what was released: `changed`, `added` or `removed` and a path, sorted. */
export function changesOf(releases: ReadonlyMap<string, Files>, made: Files): readonly string[] {
  const before = new Map([...releases.values()].flatMap((files) => [...files]));
  const versions = new Set([...before.keys()].map(versionOf));
  const paths = [...before.keys(), ...[...made.keys()].filter((path) => versions.has(versionOf(path)))];
  return [...new Set(paths)].sort().flatMap((path) => {
    if (before.get(path) === made.get(path)) return [];
    if (!before.has(path)) return [`added ${path}`];
    return [made.has(path) ? `changed ${path}` : `removed ${path}`];
  });
}

/** The text with the list of a release added: the files of `versions` that are in no list. Throws if one has changed. */
export function withRelease(
  text: string,
  release: string,
  versions: ReadonlySet<string>,
  made: Files,
): string {
  const releases = readReleased(text);
  if (releases.has(release)) throw new Error(`${release} is released`);
  const changes = changesOf(releases, made);
  if (changes.length > 0) throw new Error(`released code has changed:\n${changes.join('\n')}`);
  const before = new Set([...releases.values()].flatMap((files) => [...files.keys()].map(versionOf)));
  const lines = [...made]
    .filter(([path]) => versions.has(versionOf(path)) && !before.has(versionOf(path)))
    .map(([path, digest]) => `${digest}  ${path}\n`);
  return `${text}v${release}\n${lines.sort().join('')}`;
}

/** `<generator>/<version>` of a path. */
function versionOf(path: string): string {
  return path.split('/', 2).join('/');
}
