import { PrimitiveError } from '../../core/errors.ts';
import { optional } from '../../core/object.ts';
import {
  type Asking,
  type KitRequestPorts,
  openRequest,
  type RequestOrRun,
} from '../../dispatch/kit-request.ts';
import type { DispatchPorts, DispatchRequest } from '../../dispatch/run.ts';

/** How a request is made and followed. */
export interface ScaffoldOptions {
  readonly force: boolean;
  readonly dryRun: boolean;
  /** `30m`. */
  readonly timeout: string;
}

/**
 * Prepares requests to the kit's scaffold workflow. If the kit has several code repositories, `source` is that of the checkout
 * unless it is given; `request` throws `gitops-input-invalid` (exit 2) if that is not known. Throws what {@link openRequest}
 * throws.
 */
export async function openScaffold(
  ports: KitRequestPorts,
  { force, dryRun, timeout }: ScaffoldOptions,
  asked: RequestOrRun,
): Promise<{
  readonly ports: DispatchPorts;
  request(given: Readonly<Record<string, string | undefined>>): DispatchRequest;
}> {
  const options = { timeout, dryRun, command: 'primitive gitops scaffold' };
  const asking: Asking = await openRequest(ports, { contract: 'inputs.json' }, options, asked);
  const choices = {
    env: asking.lanes,
    ...optional('kind', asking.kinds),
    ...optional('source', asking.code?.all),
  };
  const sourceOf = ({ source = asking.code?.own }: Readonly<Record<string, string | undefined>>) => {
    if (source !== undefined || asking.code === undefined || 'resume' in asked) return source;
    throw new PrimitiveError('gitops-input-invalid', 'Input source is missing.', {
      why: `The kit has several code repositories, and this one is not known: ${asking.code.all.join(', ')}`,
      suggestions: [`--source ${asking.code.all[0]}`],
    });
  };
  return {
    ports: asking.ports,
    request: (given) =>
      asking.request(
        { ...given, source: sourceOf(given), force: force ? 'true' : undefined },
        choices,
        force,
      ),
  };
}
