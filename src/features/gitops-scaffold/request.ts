import { gitopsOf, type KitRequestPorts, kitRequest } from '../../dispatch/kit-request.ts';
import type { DispatchRequest } from '../../dispatch/run.ts';

/** Request to the kit's scaffold workflow. Throws `gitops-not-configured` (exit 2). */
export async function scaffoldRequest(
  ports: Pick<KitRequestPorts, 'workspace'>,
  given: Readonly<Record<string, string | undefined>>,
  { force, dryRun }: Pick<DispatchRequest, 'force' | 'dryRun'>,
): Promise<DispatchRequest> {
  const gitops = await gitopsOf(ports);
  const { workflow, lanes } = gitops;
  const asked = { ...given, force: force ? 'true' : undefined };
  const rest = { choices: { env: lanes }, force, dryRun };
  return kitRequest(gitops, { workflow, contract: 'inputs.json' }, asked, rest);
}
