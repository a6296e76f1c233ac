import { type Asked, type Asking, type KitRequestPorts, openRequest } from '../../dispatch/kit-request.ts';
import type { DispatchPorts, DispatchRequest } from '../../dispatch/run.ts';

/** How a request is made and followed. */
export interface ScaffoldOptions {
  readonly force: boolean;
  readonly dryRun: boolean;
  /** `30m`. */
  readonly timeout: string;
}

/** Prepares requests to the kit's scaffold workflow. Throws what {@link openRequest} throws. */
export async function openScaffold(
  ports: KitRequestPorts,
  { force, dryRun, timeout }: ScaffoldOptions,
  asked: Asked,
): Promise<{
  readonly ports: DispatchPorts;
  request(given: Readonly<Record<string, string | undefined>>): DispatchRequest;
}> {
  const options = { timeout, dryRun, command: 'primitive gitops scaffold' };
  const asking: Asking = await openRequest(ports, { contract: 'inputs.json' }, options, asked);
  const choices = { env: asking.lanes, ...(asking.kinds === undefined ? {} : { kind: asking.kinds }) };
  return {
    ports: asking.ports,
    request: (given) => asking.request({ ...given, force: force ? 'true' : undefined }, choices, force),
  };
}
