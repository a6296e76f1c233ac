import { TIME_LIMIT } from '../../dispatch/duration.ts';
import type { KitRequestPorts } from '../../dispatch/kit-request.ts';
import { limitTime } from '../../dispatch/limit.ts';
import { runDispatch } from '../../dispatch/run.ts';
import { gitopsRunOutcome } from '../../dispatch/view.ts';
import type { Outcome } from '../../render/outcome.ts';
import { scaffoldRequest } from './request.ts';

/**
 * Requests the wiring of a scaffolded primitive, in the first version of its API. Throws what the
 * config or the token lacks for it before anything is scaffolded.
 */
export async function openProposal(
  ports: KitRequestPorts,
  dryRun: boolean,
): Promise<(primitive: { readonly kind: string; readonly name: string }) => Promise<Outcome>> {
  const request = await scaffoldRequest(ports, {}, { force: false, dryRun });
  const limited = limitTime(ports, { timeout: TIME_LIMIT, dryRun, command: 'primitive gitops scaffold' });
  const github = await limited.github(request.target.repository);
  return async ({ kind, name }) => {
    const given = { kind, name, version: 'v1' };
    return gitopsRunOutcome(
      await runDispatch({ ...request, given }, 'pr', { ...limited, github: async () => github }),
    );
  };
}
