import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { createProcesses } from '../../../src/adapters/process.ts';
import { openWorkTree } from '../../../src/adapters/work-tree.ts';
import type { Installing } from '../../../src/features/verify/ports.ts';
import { rules } from '../../../src/features/verify/rules/all.ts';
import { type VerifyResult, verify } from '../../../src/features/verify/run.ts';
import { bundledKinds, type Kind, type Kinds, openKinds } from '../../../src/kinds/kind.ts';
import { isChecker } from '../../../src/languages/all.ts';
import { parseConfig } from '../../../src/repository/config.ts';
import { findProgram } from '../../../src/toolchain/find.ts';
import { gitEnvironment } from '../../support/git.ts';
import { withoutPlugins } from '../../support/plugin-set.ts';
import { threads } from '../../support/scan-threads.ts';
import { tool } from '../../tools/locate.ts';

const CONFIG = 'registry: ghcr.io/acme\n';
const KIND = `schema: primitive.kind/v1
kind: vitest
version: 1
language: ts
names: { pattern: "^[a-z]+$" }
files: [{ path: "**", owner: impl }]
suites: [{ id: unit, runner: vitest, args: [], required: true }]
build: { context: ".", dockerfile: Dockerfile }
run: { port: 8080, live: /livez, ready: /readyz, drainSeconds: 10 }
`;
/** Of the programs that suites are run with. */
export const environment = {
  ...process.env,
  npm_config_offline: 'true',
  PATH: [dirname(process.execPath), dirname(tool('uv')), process.env.PATH].join(delimiter),
};

type Suite = NonNullable<Kind['suites']>[number];

export type Files = Readonly<Record<string, string>>;

export interface Options {
  /** Milliseconds that a suite may take. */
  readonly limit?: number;
  readonly install?: Installing;
  /** Which suites of the kind are run; those that run tests unless given. */
  readonly suites?: (suite: Suite) => boolean;
  /** Works on the repository before verify does. */
  readonly prepare?: (root: string) => Promise<void>;
  /** Looks at the repository after verify has run. */
  readonly after?: () => Promise<void>;
  /** Variables besides those of this process. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** What verify says of the suites of a primitive in a repository of its own; `vitest` is a kind whose suite vitest runs. */
export async function verifySuites(
  id: string,
  more: Files,
  {
    limit = 60_000,
    install = false,
    suites = ({ runner }) => !isChecker(runner),
    prepare,
    after,
    variables = {},
  }: Options = {},
): Promise<VerifyResult> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'verify-suites-'));
  const root = join(folder.path, 'repository');
  const files: Files = {
    'primitive.config.yaml': CONFIG,
    '.gitignore': 'node_modules\n',
    [`primitives/${id}/primitive.yaml`]: `kind: ${dirname(id)}\nname: ${basename(id)}\n`,
    '../kinds/vitest/kind.yaml': KIND,
    ...more,
  };
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  await prepare?.(root);
  execFileSync('git', ['init', '--quiet'], { cwd: root, env: gitEnvironment });
  const processes = createProcesses({ ...environment, ...variables });
  const { signal } = new AbortController();
  const output = join(folder.path, 'output');
  const result = await verify(
    {
      selection: { selectors: [], kind: undefined, name: undefined },
      changedSince: undefined,
      mode: 'primitives',
      families: ['TEST'],
      tests: true,
      install,
    },
    {
      location: { path: join(root, 'primitive.config.yaml'), root, repositoryRoot: root, found: 'nearest' },
      config: await parseConfig({ text: CONFIG, shown: 'config', root }, '1.0.0'),
      kinds: withSuites(
        await openKinds({ bundled: bundledKinds(), own: join(folder.path, 'kinds') }),
        suites,
      ),
      tree: await openWorkTree(processes, root, signal),
      scans: { read: async () => new Map(), write: async () => {} },
      threads,
      ...withoutPlugins,
      rules,
      regenerate: async () => [],
      compareProto: async () => [],
      released: async () => ({ why: 'there is none' }),
      suites: {
        processes,
        program: (name) =>
          findProgram(name, {
            path: variables.PATH ?? environment.PATH,
            platform: process.platform,
            processes,
          }),
        variables: {},
        grantable: {},
        output,
        limit,
      },
      cwd: root,
      emit: () => {},
      signal,
      today: '2026-01-01',
      now: () => 0,
    },
  );
  await after?.();
  return result;
}

/** The kinds without the suites that are not meant: a compiler would have to be installed for each test. */
function withSuites(kinds: Kinds, isMeant: (suite: Suite) => boolean): Kinds {
  return {
    ...kinds,
    get: async (name) => {
      const kind = await kinds.get(name);
      return kind === undefined ? kind : { ...kind, suites: (kind.suites ?? []).filter(isMeant) };
    },
  };
}

/** `RULE path` of each finding. */
export const found = ({ document }: VerifyResult) =>
  document.findings.map(({ rule, path }) => `${rule} ${path}`);
