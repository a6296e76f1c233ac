import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createGithub } from '../../src/adapters/github/github.ts';
import { githubHost } from '../../src/adapters/github/host.ts';
import { PrimitiveError } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/events.ts';
import type { GitHub } from '../../src/dispatch/github.ts';
import { filesOf, type InputsFile } from '../../src/dispatch/inputs.ts';
import type { DispatchPorts, DispatchRequest } from '../../src/dispatch/run.ts';
import type { Clock } from '../../src/http/retry.ts';
import { bundledKinds } from '../../src/kinds/kind.ts';
import { patientlessClock } from './patientless-clock.ts';
import { type Github, type GithubOptions, startGithub } from './services/github/github.ts';
import type { DoubleRepository } from './services/github/repository.ts';
import type { DoubleRun } from './services/github/runs.ts';

/** Path of the workflow in a GitOps repository. */
export const WORKFLOW_PATH = '.github/workflows/scaffold-primitive-gitops.yaml';

export const inputsFile: InputsFile = JSON.parse(
  readFileSync(join(bundledKinds(), '../gitops/scaffold/inputs.json'), 'utf8'),
);

/** `${{ inputs.NAME }}` */
const expression = (name: string) => `\${{ inputs.${name} }}`;

/** The head of a workflow that takes the inputs of the contract; its jobs are of no interest to the double. */
export function workflowText(file: InputsFile = inputsFile): string {
  const inputs = Object.entries(file.inputs).map(
    ([name, { required = false, type = 'string', default: preset }]) =>
      `      ${name}: { required: ${required}, type: ${type}${preset === undefined ? '' : `, default: ${JSON.stringify(preset)}`} }`,
  );
  return [
    'name: Scaffold',
    `run-name: ${file.run.replace(/\{(\w+)\}/g, (_, name) => expression(name))}`,
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    ...inputs,
    'jobs: { scaffold: { runs-on: ubuntu-latest, steps: [{ run: "true" }] } }',
    '',
  ].join('\n');
}

/** The files that a request adds. */
export function wiringOf(inputs: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const values = { env: '', with_smoke: 'false', ...inputs };
  return Object.fromEntries(filesOf(inputsFile, values).map((path) => [path, 'enabled: false\n']));
}

/** What the workflow does at its end: the branch and the pull request of the request. */
export async function propose(repository: DoubleRepository, run: DoubleRun): Promise<void> {
  const { kind, name, version } = run.inputs;
  const branch = `scaffold/${kind}-${name}-${version}`;
  await repository.commit(branch, wiringOf(run.inputs));
  const own = { repository: repository.name, branch };
  if (!repository.pulls.some(({ head, state }) => state === 'open' && isDeepStrictEqual(head, own)))
    repository.open(branch, { title: run.title, author: 'acme-app[bot]', created: run.created });
}

/** A run that proposes the wiring, in three steps. */
export const succeeding = (repository: DoubleRepository) => () => ({
  jobs: [
    {
      name: 'scaffold',
      steps: [{ name: 'Validate inputs' }, { name: 'Render charts' }, { name: 'Open pull request' }],
    },
  ],
  onCompleted: (run: DoubleRun) => propose(repository, run),
});

/** GitHub with a GitOps repository, and what a dispatch works with; no wait takes time. */
export interface GitopsWorld extends AsyncDisposable {
  readonly github: Github;
  readonly gitops: DoubleRepository;
  readonly events: Event[];
  /** Ports of one caller. */
  ports(more?: {
    readonly token?: string;
    readonly signal?: AbortSignal;
    readonly clock?: Clock;
  }): DispatchPorts;
  client(token?: string): GitHub;
}

export async function gitopsWorld(options: GithubOptions = {}): Promise<GitopsWorld> {
  const github = await startGithub(options);
  const gitops = await github.create('acme/gitops', { files: { [WORKFLOW_PATH]: workflowText() } });
  gitops.script = succeeding(gitops);
  const own = github.token().value;
  const events: Event[] = [];
  const clients: { close(): Promise<void> }[] = [];
  const client = (token = own, signal = new AbortController().signal, clock: Clock = patientlessClock()) => {
    const made = createGithub('acme/gitops', {
      host: githubHost(undefined, { GITHUB_API_URL: github.api }),
      token: { value: token, source: 'GH_TOKEN' },
      network: {},
      clock,
      budget: 1_800_000,
      signal,
      onRetry: ({ host, reason, delay }) =>
        events.push({ type: 'warning', code: 'github-retry', message: `${host}: ${reason}: ${delay}` }),
    });
    clients.push(made);
    return made;
  };
  return {
    github,
    gitops,
    events,
    client,
    ports({ token, signal = new AbortController().signal, clock = patientlessClock() } = {}) {
      return {
        github: async () => client(token, signal, clock),
        command: 'primitive gitops scaffold',
        clock,
        emit: (event) => void events.push(event),
        signal,
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((made) => made.close()));
      await github.stop();
    },
  };
}

/** What a call is stopped with once its time is over. */
export const timeLimit = new PrimitiveError('gitops-timeout', 'Stopped after 5s.', {
  exit: 3,
  retryable: true,
});

/** The request for domain/orders v1. */
export function ordersRequest(
  more: Partial<DispatchRequest> & { readonly inputs?: Readonly<Record<string, string>> } = {},
): DispatchRequest {
  const { inputs = {}, ...others } = more;
  return {
    target: { repository: 'acme/gitops', workflow: 'scaffold-primitive-gitops.yaml', ref: 'main' },
    file: inputsFile,
    given: { kind: 'domain', name: 'orders', version: 'v1', ...inputs },
    choices: { env: ['dev', 'staging'] },
    force: false,
    dryRun: false,
    ...others,
  };
}
