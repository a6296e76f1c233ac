import { readFile } from 'node:fs/promises';
import { PrimitiveError } from '../core/errors.ts';
import { packagePath } from '../core/package.ts';
import { codeRepositoryOf } from '../repository/code-repository.ts';
import type { Config } from '../repository/config.ts';
import { checkInputs, type InputsFile } from './inputs.ts';
import { type KitContract, readContract } from './kit-contract.ts';
import { limitTime, type RequestPorts } from './limit.ts';
import { type DispatchPorts, type DispatchRequest, parseRun } from './run.ts';

export interface KitRequestPorts extends RequestPorts {
  workspace(): Promise<{
    readonly location: { readonly root: string };
    readonly config: Pick<Config, 'gitops' | 'signing'>;
  }>;
  /** Remote of the repository at `root`. */
  origin(root: string): Promise<{ readonly remote?: string }>;
}

type Gitops = NonNullable<Config['gitops']>;

/** A workflow of the kit: its file, and that of its inputs in `templates/gitops/scaffold`. */
export interface KitWorkflow {
  /** By the config if undefined. */
  readonly workflow?: string;
  readonly contract: string;
}

/** The lanes of a kit whose repository cannot be asked, and that no config has. */
const LANES = ['local', 'dev', 'staging', 'production'];

/** The GitOps repository, and what may be asked of a workflow there. */
export interface Asking {
  /** In the order of promotion. */
  readonly lanes: readonly string[];
  /** If they are known. */
  readonly kinds: readonly string[] | undefined;
  /** The code repositories of a kit that has several, and which of them this checkout is, if that is known. */
  readonly code: { readonly all: readonly string[]; readonly own: string | undefined } | undefined;
  readonly ports: DispatchPorts;
  request(
    given: Readonly<Record<string, string | undefined>>,
    choices: DispatchRequest['choices'],
    force?: boolean,
  ): DispatchRequest;
}

/**
 * Prepares a request to the GitOps repository of the config. Lanes, kinds, paths and branch are those that the repository
 * says; what the config has comes before them. A dry run without a network goes without.
 *
 * Throws `gitops-not-configured`, `gitops-input-invalid`, `invalid-flag`, `gitops-contract-invalid` (exit 2), `github-token-missing` (exit 3), and what
 * {@link GitHub} throws.
 */
export async function openRequest(
  { workspace, origin, ...rest }: KitRequestPorts,
  { workflow, contract }: KitWorkflow,
  options: { readonly timeout: string; readonly dryRun: boolean; readonly command: string },
  asked: RequestOrRun,
): Promise<Asking> {
  const { location, config } = await workspace();
  const { gitops } = config;
  if (gitops === undefined) throw notConfigured();
  const limited = limitTime(rest, options);
  const own = JSON.parse(
    await readFile(packagePath(`templates/gitops/scaffold/${contract}`), 'utf8'),
  ) as InputsFile;
  // Errors in the request itself are refused before anybody is asked.
  if ('resume' in asked) parseRun(asked.resume, targetOf(gitops, workflow, {}));
  else checkInputs(own, definedOf(asked.given));
  const github = await limited.github(gitops.repository);
  const { dryRun } = options;
  const read = await readContract(github, gitops.ref, contract, own).catch((error: unknown): KitContract => {
    // What may pass by itself says nothing of the request; the plan lists what it could not look up.
    if (!dryRun || limited.signal.aborted || !(error instanceof PrimitiveError && error.retryable))
      throw error;
    return { file: own };
  });
  return {
    lanes: gitops.lanes ?? read.lanes ?? LANES,
    kinds: read.kinds,
    code: await severalOf(read, async () => codeRepositoryOf(config, (await origin(location.root)).remote)),
    ports: { ...limited, github: async () => github },
    request: (given, choices, force = false) => ({
      target: targetOf(gitops, workflow, read),
      file: read.file,
      given: definedOf(given),
      choices,
      force,
      dryRun,
    }),
  };
}

/** If the kit has several code repositories, those, and which of them `find` finds, as the kit spells it. */
async function severalOf(
  { code = [] }: KitContract,
  find: () => Promise<string | undefined>,
): Promise<Asking['code']> {
  if (code.length < 2) return undefined;
  const own = await find();
  return { all: code, own: code.find((one) => one.toLowerCase() === own?.toLowerCase()) ?? own };
}

type Given = Readonly<Record<string, string | undefined>>;

/** The request, as far as it is known before the repository is read; or the run that is followed again. */
export type RequestOrRun = { readonly given: Given } | { readonly resume: string };

function definedOf(given: Given): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function targetOf(
  { repository, workflow: configured, ref }: Gitops,
  workflow: string | undefined,
  { branch }: Pick<KitContract, 'branch'>,
): DispatchRequest['target'] {
  return { repository, workflow: workflow ?? configured, ref: ref ?? branch ?? 'main' };
}

function notConfigured(): PrimitiveError {
  return new PrimitiveError('gitops-not-configured', 'No GitOps repository is configured.', {
    why: 'Its workflows write wiring and move releases.',
    suggestions: ['In primitive.config.yaml:\ngitops: { repository: OWNER/NAME }'],
  });
}
