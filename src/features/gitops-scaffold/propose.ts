import { TIME_LIMIT } from '../../dispatch/duration.ts';
import type { KitRequestPorts } from '../../dispatch/kit-request.ts';
import { runDispatch } from '../../dispatch/run.ts';
import { gitopsRunOutcome } from '../../dispatch/view.ts';
import type { Outcome } from '../../render/outcome.ts';
import { openScaffold } from './request.ts';

/**
 * Requests the wiring of a scaffolded primitive, in the first version of its API. Throws what the
 * config or the token lacks for it before anything is scaffolded.
 */
export async function openProposal(
  given: KitRequestPorts,
  dryRun: boolean,
): Promise<(primitive: { readonly kind: string; readonly name: string }) => Promise<Outcome>> {
  const options = { force: false, dryRun, timeout: TIME_LIMIT };
  // Which primitive it is follows from what is scaffolded.
  const any = { given: { kind: 'any', name: 'any', version: 'v1' } };
  const { request, ports } = await openScaffold(given, options, any);
  return async ({ kind, name }) =>
    gitopsRunOutcome(await runDispatch(request({ kind, name, version: 'v1' }), 'pr', ports));
}
