import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { brokenPathRule } from '../../src/features/verify/imports/policy.ts';
import { openImports } from '../../src/features/verify/imports/resolve.ts';
import { sourceScan } from '../../src/features/verify/imports/scan.ts';
import type { Context } from '../../src/features/verify/rule.ts';
import type { Primitive, Subjects } from '../../src/features/verify/subjects.ts';
import type { Snapshot } from '../../src/features/verify/work-tree.ts';
import { isInstalled, languageOf } from '../../src/languages/all.ts';
import type { BenchTable } from './table.ts';

/** Public trees, each at a commit. */
const TREES = {
  'langfuse/langfuse': '62751446149b702b419a9292ddfc2280cdf74b8c',
  'dagger/dagger': '13d493ee6e757e1d36416be98e3b5acc8e248eb8',
  'temporalio/sdk-typescript': 'cd60591ca9b97dc919bd4987e9ff59f469b10609',
  'open-telemetry/opentelemetry-demo': '054282e318317f2be09f67dd9b0d7d1278566cfa',
  'GoogleCloudPlatform/microservices-demo': '34ffea9175946982c3088ed84994fe6019ad6e92',
};
const MANIFESTS = /(?:^|\/)(?:go\.mod|package\.json|pyproject\.toml|setup\.py|requirements\.txt)$/;
const SETTINGS = /(?:\.(?:json|jsonc|toml|cfg|ini|txt|in|lock|mod|work|yaml|yml|pth))$/;

/** A finding by `tree path line specifier`. */
type Key = string;

/**
 * Findings about what imports lead to, in public trees of which each package counts as a primitive. Those that are false were
 * labelled by reading: all of IMP-003 and IMP-008, and of IMP-001 those of texts. `IMPORT_TREES` is a folder with a clone of
 * each tree, named `owner+name`; `IMPORT_LIST` prints the findings without a label.
 */
export async function bench(): Promise<BenchTable> {
  const trees = process.env.IMPORT_TREES;
  if (!trees) throw new Error('IMPORT_TREES is not set: a folder with clones that are named owner+name');
  const labels = readLabels();
  const results: (Awaited<ReturnType<typeof findingsIn>> & { readonly repository: string })[] = [];
  for (const [repository, commit] of Object.entries(TREES)) {
    const clone = join(trees, repository.replace('/', '+'));
    if (!existsSync(clone))
      throw new Error(`${clone} is not there: a clone of https://github.com/${repository}`);
    results.push({ repository, ...(await findingsIn(repository, snapshotOf(clone, commit))) });
  }
  const keys = results.flatMap(({ found }) => found.filter(isRead).map(({ key }) => key));
  const isFalse = ({ key }: { readonly key: Key }) => labels.get(key) === 'false';
  const row = (name: string, all: readonly (typeof results)[number][]) => {
    const found = all.flatMap((one) => one.found);
    const imports = all.reduce((sum, one) => sum + one.imports, 0);
    const count = (rule: string) => String(found.filter((one) => one.rule === rule).length);
    const wrong = found.filter(isFalse).length;
    const packages = all.reduce((sum, one) => sum + one.packages, 0);
    return [
      ...[name, String(packages), String(imports), count('IMP-001'), count('IMP-003'), count('IMP-008')],
      ...[String(wrong), ((wrong * 1000) / imports).toFixed(2)],
    ];
  };
  const unlabelled = keys.filter((key) => !labels.has(key));
  return {
    title: 'Findings about imports in public trees',
    rows: [
      ['tree', 'packages', 'imports', 'IMP-001', 'IMP-003', 'IMP-008', 'false', 'per 1,000 imports'],
      ...results.map((one) => row(one.repository, [one])),
      row('all', results),
    ],
    notes: [
      'aim: at most 1 false finding per 1,000 imports',
      `findings that were read: ${keys.length}, of which ${unlabelled.length} have no label`,
      ...(process.env.IMPORT_LIST === undefined ? [] : unlabelled),
    ],
  };
}

/** Findings that are read; an import of another package of the workspace is one by its name. */
function isRead({ rule, mentioned }: { readonly rule: string; readonly mentioned: boolean }): boolean {
  return rule !== 'IMP-001' || mentioned;
}

function readLabels(): ReadonlyMap<Key, string> {
  const text = readFileSync(join(import.meta.dirname, 'import-labels.tsv'), 'utf8');
  const rows = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    rows.map((line) => {
      const [repository, path, number, specifier, label = ''] = line.split('\t');
      return [`${repository}\t${path}\t${number}\t${specifier}`, label];
    }),
  );
}

/** The files of a commit, of which code, manifests and settings are read at once: to ask git for each takes minutes. */
function snapshotOf(clone: string, commit: string): Snapshot {
  const git = (args: readonly string[], input = '') =>
    execFileSync('git', ['-C', clone, ...args], {
      ...{ input, maxBuffer: 2 ** 31 - 1, stdio: ['pipe', 'pipe', 'ignore'] },
    });
  const entries = git(['ls-tree', '-r', '-z', commit]).toString().split('\0').filter(Boolean);
  const listed = entries.map((entry) => {
    const [info = '', path = ''] = entry.split('\t');
    const [mode = '', , id = ''] = info.split(' ');
    return { mode, id, path };
  });
  const isRead = ({ mode, path }: (typeof listed)[number]) =>
    mode === '120000' || languageOf(path) !== undefined || SETTINGS.test(path);
  const read = listed.filter(isRead);
  const out = git(['cat-file', '--batch'], `${read.map(({ id }) => id).join('\n')}\n`);
  const contents = new Map<string, Buffer>();
  let at = 0;
  for (const { path } of read) {
    const end = out.indexOf('\n', at);
    const [, type, size] = out.toString('latin1', at, end).split(' ');
    // A clone may lack large files.
    if (type === 'missing') at = end + 1;
    else {
      contents.set(path, out.subarray(end + 1, end + 1 + Number(size)));
      at = end + 2 + Number(size);
    }
  }
  const links = new Set(listed.filter(({ mode }) => mode === '120000').map(({ path }) => path));
  return {
    root: '/repository',
    list: async () => listed.filter(({ mode }) => mode !== '160000').map(({ path }) => path),
    read: async (path) => (links.has(path) ? undefined : contents.get(path)),
    readLink: async (path) => (links.has(path) ? contents.get(path)?.toString() : undefined),
  };
}

async function findingsIn(repository: string, tree: Snapshot) {
  const files = await tree.list();
  const folders = new Set(
    files.filter((path) => MANIFESTS.test(path) && !isInstalled(path)).map((path) => posix.dirname(path)),
  );
  folders.delete('.');
  const packages = new Map(
    [...folders].map((path): [string, Primitive] => [
      path,
      {
        ...{ id: path, path, kind: undefined, manifest: undefined, component: undefined, faults: [] },
        files: [],
      },
    ]),
  );
  const ownerOf = (path: string): Primitive | undefined => {
    for (let folder = path; folder !== '.'; folder = posix.dirname(folder)) {
      const own = packages.get(folder);
      if (own !== undefined) return own;
    }
    return undefined;
  };
  const inFile = (path: string) => ({ primitive: ownerOf(path), shippedBy: [] });
  const sources: Subjects['source'][] = [];
  for (const path of files) {
    if (languageOf(path) === undefined || isInstalled(path) || ownerOf(path) === undefined) continue;
    const bytes = await tree.read(path);
    if (bytes === undefined) continue;
    for (const source of await sourceScan.scan({ path, bytes, text: Buffer.from(bytes).toString() }))
      sources.push({ ...source, path, ...inFile(path) });
  }
  const resolver = await openImports(tree, [], { primitivesFolder: '.', ownerOf, inFile });
  const imports = await resolver.resolve(sources);
  const config = { imports: { sdk: { go: [], ts: [], python: [] }, forbidden: [] } };
  const found = imports.flatMap((one) => {
    const rule = brokenPathRule(one, { config } as unknown as Context);
    const key = `${repository}\t${one.path}\t${one.line}\t${one.specifier}`;
    return rule === undefined ? [] : [{ rule, key, mentioned: one.mentioned === true }];
  });
  return { packages: packages.size, imports: imports.filter(({ mentioned }) => !mentioned).length, found };
}
