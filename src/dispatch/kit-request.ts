import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { bundledKinds } from '../kinds/kind.ts';
import type { Config } from '../repository/config.ts';
import type { InputsFile } from './inputs.ts';
import type { RequestPorts } from './limit.ts';
import type { DispatchRequest } from './run.ts';

/** Ports of a request to a workflow of the kit. */
export interface KitRequestPorts extends RequestPorts {
  workspace(): Promise<{ readonly config: Pick<Config, 'gitops'> }>;
}

type Gitops = NonNullable<Config['gitops']>;

/** The GitOps repository that the config names. Throws `gitops-not-configured` (exit 2). */
export async function gitopsOf({ workspace }: Pick<KitRequestPorts, 'workspace'>): Promise<Gitops> {
  const { gitops } = (await workspace()).config;
  if (gitops !== undefined) return gitops;
  throw new PrimitiveError('gitops-not-configured', 'No GitOps repository is configured.', {
    why: 'Its workflows write wiring and move releases.',
    suggestions: ['In primitive.config.yaml:\ngitops: { repository: OWNER/NAME }'],
  });
}

/** A request to a workflow of the kit; `contract` is the file of its inputs in `templates/gitops/scaffold`. */
export async function kitRequest(
  { repository, ref }: Gitops,
  { workflow, contract }: { readonly workflow: string; readonly contract: string },
  given: Readonly<Record<string, string | undefined>>,
  rest: Pick<DispatchRequest, 'choices' | 'force' | 'dryRun'>,
): Promise<DispatchRequest> {
  const file = join(bundledKinds(), '../gitops/scaffold', contract);
  return {
    target: { repository, workflow, ref },
    file: JSON.parse(await readFile(file, 'utf8')) as InputsFile,
    given: Object.fromEntries(
      Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    ...rest,
  };
}
