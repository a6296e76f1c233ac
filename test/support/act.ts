import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tool } from '../tools/locate.ts';
import type { GitopsWorld } from './gitops.ts';
import { attempt } from './services/run.ts';

/** The run of a workflow: what act printed, and the steps that it ran with their conclusions. */
export interface ActRun {
  readonly code: number;
  readonly output: string;
  readonly steps: Readonly<Record<string, 'success' | 'failure'>>;
}

/** How a workflow is run. */
export interface ActOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly branch?: string;
  readonly caFile: string;
  /** For what act keeps. */
  readonly home: string;
}

/** An action that cannot be downloaded, and what stands for it. */
const STAND_INS = ['actions/checkout', 'actions/create-github-app-token', 'azure/setup-helm'];

/** Runs a workflow of the GitOps repository on this machine, from a new clone. */
export async function actRun(
  world: GitopsWorld,
  workflow: string,
  event: 'workflow_dispatch' | 'pull_request',
  options: ActOptions,
): Promise<ActRun> {
  const file = join('.github/workflows', workflow);
  const text = await world.text(file, options.branch);
  // Act copies this clone where a workflow checks out the commit that it runs on.
  const folder = await world.clone(options.branch, text.includes('fetch-depth: 0') ? 'whole' : 'shallow');
  const pinned = [...text.matchAll(/uses: ([^@\s]+)@([0-9a-f]{40})/g)];
  const actions = pinned
    .filter(([, action = '']) => STAND_INS.includes(action))
    .flatMap(([, action = '', commit]) => {
      const place = join(import.meta.dirname, 'actions', action.split('/')[1] ?? '');
      return ['--local-repository', `${action}@${commit}=${place}`];
    });
  const eventFile = join(options.home, 'event.json');
  await mkdir(options.home, { recursive: true });
  const base = await world.gitops.commitOf(world.gitops.defaultBranch);
  await writeFile(
    eventFile,
    JSON.stringify({
      inputs: options.inputs,
      repository: { default_branch: world.gitops.defaultBranch },
      ...(event === 'pull_request' && { pull_request: { base: { sha: base } } }),
    }),
  );
  const path = [
    dirname(tool('helm')),
    dirname(tool('kubeconform')),
    dirname(process.execPath),
    process.env.PATH,
  ].join(':');
  return act(
    [
      event,
      ...['--workflows', file, '--eventpath', eventFile, '--platform', 'ubuntu-latest=-self-hosted'],
      ...['--github-instance', world.github.host, '--action-offline-mode', '--json'],
      ...Object.entries({ GITHUB_TOKEN: world.token, ...options.secrets }).flatMap(([key, value]) => [
        '--secret',
        `${key}=${value}`,
      ]),
      ...Object.entries(options.inputs ?? {}).flatMap(([key, value]) => ['--input', `${key}=${value}`]),
      ...Object.entries(options.variables ?? {}).flatMap(([key, value]) => ['--var', `${key}=${value}`]),
      ...actions,
    ],
    {
      cwd: folder,
      env: {
        PATH: path,
        HOME: options.home,
        XDG_CACHE_HOME: join(options.home, 'cache'),
        XDG_CONFIG_HOME: join(options.home, 'config'),
        GIT_SSL_CAINFO: options.caFile,
        SSL_CERT_FILE: options.caFile,
        NODE_EXTRA_CA_CERTS: options.caFile,
      },
    },
  );
}

/** Calls act, with `--json` among the arguments. */
export async function act(
  args: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<ActRun> {
  const { code, stdout, stderr } = await attempt(tool('act'), args, options);
  const lines = stdout.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as { msg?: string; step?: string; stepResult?: 'success' | 'failure' }];
    } catch {
      return [];
    }
  });
  return {
    code,
    output: `${lines.map(({ msg }) => msg).join('\n')}\n${stderr}`,
    steps: Object.fromEntries(
      lines.flatMap(({ step, stepResult }) => (step && stepResult ? [[step, stepResult]] : [])),
    ),
  };
}
