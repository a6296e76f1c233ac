import type { VerifyDocument } from '../../../src/features/verify/document.ts';
import type { AnyRule, Family } from '../../../src/features/verify/rule.ts';
import { verify } from '../../../src/features/verify/run.ts';
import { bundledKinds, type Kind, type Kinds, openKinds } from '../../../src/kinds/kind.ts';
import { parseConfig } from '../../../src/workspace/config.ts';
import { type Files, memoryTree } from './tree.ts';

const kinds = openKinds({ bundled: bundledKinds() }).then(async (bundled): Promise<Kinds> => {
  const domain = await bundled.get('domain');
  if (domain === undefined) throw new Error('the kind domain is missing');
  const files = [
    { path: 'gen/**', owner: 'generated' as const },
    { path: '**', owner: 'impl' as const },
  ];
  // A kind with a template of a later version, and with generated files that no generator makes.
  const widget: Kind = { ...domain, kind: 'widget', version: 3, generators: [], files };
  return {
    names: [...bundled.names, 'widget'],
    get: async (name) => (name === 'widget' ? widget : bundled.get(name)),
  };
});

/** The static rules start no program. */
const unexpected = () => Promise.reject(new Error('a program was started'));
const noSuites = {
  processes: { run: unexpected },
  program: unexpected,
  variables: {},
  output: '/output',
  limit: 1,
};

/** What verify finds in a repository in memory by the static rules of a family, of those in `rules`. */
export async function verifyFiles(
  files: Files,
  family: Family,
  rules: readonly AnyRule[],
): Promise<VerifyDocument['findings']> {
  const root = '/repository';
  const config = files['primitive.config.yaml'];
  const { document } = await verify(
    {
      selection: { selectors: [], kind: undefined, name: undefined },
      changedSince: undefined,
      mode: 'repo',
      families: [family],
      tests: false,
      install: false,
    },
    {
      location: { path: `${root}/primitive.config.yaml`, root, repositoryRoot: root, found: 'given' },
      config: await parseConfig({ text: String(config), shown: 'primitive.config.yaml', root }, '1.0.0'),
      kinds: await kinds,
      tree: memoryTree(files),
      scans: { read: async () => new Map(), write: async () => {} },
      rules,
      suites: noSuites,
      cwd: root,
      emit: () => {},
      signal: new AbortController().signal,
      today: '2026-01-01',
      now: () => 0,
    },
  );
  return document.findings;
}
