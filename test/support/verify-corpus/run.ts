import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrimitiveError } from '../../../src/core/errors.ts';
import type { Processes } from '../../../src/core/process.ts';
import type { BaselineRequest } from '../../../src/features/verify/baseline.ts';
import type { VerifyDocument } from '../../../src/features/verify/document.ts';
import type { Family } from '../../../src/features/verify/family.ts';
import { foreignRules } from '../../../src/features/verify/foreign.ts';
import type { AnyRule } from '../../../src/features/verify/rule.ts';
import { type VerifyResult, verify } from '../../../src/features/verify/run.ts';
import { bundledKinds, type Kind, type Kinds, openKinds } from '../../../src/kinds/kind.ts';
import { isChecker } from '../../../src/languages/all.ts';
import { parseConfig } from '../../../src/repository/config.ts';
import { withoutPlugins, withPlugin } from '../plugin-set.ts';
import { scansHere } from '../scan-threads.ts';
import type { CorpusCase } from './case.ts';
import type { Recorded } from './suites.ts';
import { type Files, memoryTree } from './tree.ts';

/** Of a kind with one template file, and with advisories. */
const TEMPLATE = join(import.meta.dirname, 'kinds/widget');

const kinds = openKinds({ bundled: bundledKinds() }).then(async (bundled): Promise<Kinds> => {
  const domain = await bundled.get('domain');
  if (domain === undefined) throw new Error('the kind domain is missing');
  const files = [
    { path: 'gen/**', owner: 'generated' as const },
    { path: '**', owner: 'impl' as const },
  ];
  // A kind with a template of a later version, and with generated files that no generator makes.
  const suites = [
    { id: 'db', runner: 'go-test' as const, args: [], required: true, needs: ['postgres' as const] },
  ];
  const own = new Map<string, Kind>([
    ['stored', { ...domain, kind: 'stored', generators: [], files, suites }],
    [
      'widget',
      { ...domain, kind: 'widget', version: 3, generators: [], files, shared: [], folder: TEMPLATE },
    ],
  ]);
  return {
    names: [...bundled.names, ...own.keys()],
    get: async (name) => {
      const kind = own.get(name) ?? (await bundled.get(name));
      // Compilers are tried for real, in test/integration/verify.
      const suites = (kind?.suites ?? []).filter(({ runner }) => !isChecker(runner));
      return kind && { ...kind, suites };
    },
  };
});

/** A runner that does what was recorded; anything else that is started succeeds and says nothing. */
function replay(recorded: Recorded | undefined, files: Record<string, unknown>): Processes {
  return {
    run: async (_program, args, { stdout, env, cwd = '' } = {}) => {
      const silent = { exitCode: 0, stdout: new Uint8Array(), stderr: '' };
      if (args.includes('-c')) return { ...silent, exitCode: recorded?.exitCode === 127 ? 127 : 0 };
      if (!args.includes('test') && !args.includes('--test') && !args.includes('pytest')) return silent;
      if (recorded === undefined) throw new Error('a runner was started');
      await stdout?.(Buffer.from(recorded.stdout ?? ''));
      const [report] = args.flatMap(
        (arg) => /^--(?:junit-xml|test-reporter-destination)=(.*)$/.exec(arg)?.[1] ?? [],
      );
      if (report !== undefined && recorded.report !== undefined) await writeFile(report, recorded.report);
      await leaveEvidence(recorded.evidence, env?.PRIMITIVE_EVIDENCE, cwd);
      write(recorded.writes ?? {}, files);
      if (recorded.timedOut) throw new PrimitiveError('tool-timeout', 'it did not end', { exit: 3 });
      return { ...silent, exitCode: recorded.exitCode, stderr: recorded.stderr ?? '' };
    },
  };
}

/** Writes what the plugin of pytest would, with absolute paths. */
async function leaveEvidence(evidence: Recorded['evidence'], file: string | undefined, cwd: string) {
  if (file === undefined || evidence === undefined) return;
  const top = cwd.slice(0, cwd.indexOf('/primitives/'));
  const files = evidence.files.map((path) => `${top}/${path}`);
  const left = evidence.left.map(([path, ...more]) => [`${top}/${path}`, ...more]);
  await writeFile(file, JSON.stringify({ files, left }));
}

function write(writes: Recorded['writes'] & {}, files: Record<string, unknown>): void {
  for (const [path, text] of Object.entries(writes)) {
    if (text === undefined) delete files[path];
    else files[path] = text;
  }
}

/** What verify finds in a repository in memory by the rules of a family, of those in `rules`; suites are replayed. */
export async function verifyFiles(
  ...args: Parameters<typeof verifyDocument>
): Promise<VerifyDocument['findings']> {
  return (await verifyDocument(...args)).findings;
}

/** As {@link verifyFiles}, all of the report. */
export async function verifyDocument(
  files: Files,
  family: Family,
  rules: readonly AnyRule[],
  one: Options = {},
): Promise<VerifyDocument> {
  return (await verifyResult(files, family, rules, one)).document;
}

interface Options
  extends Partial<Pick<CorpusCase, 'suite' | 'generated' | 'compared' | 'endless' | 'baseline' | 'plugin'>> {
  /** What is asked for of the baseline; without it only to compare. */
  readonly request?: BaselineRequest;
  /** More than the one family. */
  readonly families?: readonly Family[];
  /** Without it, all of the repository where no suite is run. */
  readonly mode?: 'primitives' | 'repo';
  readonly tests?: boolean;
}

/** As {@link verifyFiles}, with what reports are made of. */
export async function verifyResult(
  files: Files,
  family: Family,
  rules: readonly AnyRule[],
  {
    suite,
    generated = [],
    compared = [],
    endless,
    baseline,
    plugin,
    request,
    families,
    mode,
    tests,
  }: Options = {},
): Promise<VerifyResult> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'verify-corpus-'));
  const output = folder.path;
  const own = { ...files };
  const foreign = plugin === undefined ? withoutPlugins : withPlugin(plugin);
  const root = '/repository';
  const config = files['primitive.config.yaml'];
  return await verify(
    {
      selection: {
        selectors: suite === undefined ? [] : [suite.primitive],
        kind: undefined,
        name: undefined,
      },
      changedSince: undefined,
      mode: mode ?? (suite === undefined ? 'repo' : 'primitives'),
      // What keeps a check from running is found by the check.
      families:
        families ??
        (family === 'INT' ? ['TEST', 'MARK', ...(plugin === undefined ? [] : ['ACME'])] : [family]),
      baseline: baseline && (request ?? { update: false, accept: false }),
      tests: tests ?? suite !== undefined,
      install: false,
    },
    {
      location: { path: `${root}/primitive.config.yaml`, root, repositoryRoot: root, found: 'given' },
      config: await parseConfig({ text: String(config), shown: 'primitive.config.yaml', root }, '1.0.0'),
      kinds: await kinds,
      tree: memoryTree(own),
      scans: { read: async () => new Map(), write: async () => {} },
      threads: scansHere(endless),
      rules: [...rules, ...foreignRules(foreign.plugins)],
      ...foreign,
      baseline,
      regenerate: async () => {
        if (generated instanceof Error) throw generated;
        return generated;
      },
      compareProto: async () => {
        if (compared instanceof Error) throw compared;
        return compared;
      },
      released: async () => ({ why: 'there is none' }),
      suites: {
        processes: replay(suite?.recorded, own),
        program: async (name) =>
          suite?.tool === undefined
            ? { ok: true, program: { name, path: `/bin/${name}`, args: [], version: '99' } }
            : { ok: false, problem: new PrimitiveError(suite.tool, `Cannot use ${name}`, { exit: 3 }) },
        variables: {},
        grantable: {},
        output,
        limit: 60_000,
      },
      cwd: root,
      emit: () => {},
      signal: new AbortController().signal,
      today: '2026-01-01',
      now: () => 0,
    },
  );
}
