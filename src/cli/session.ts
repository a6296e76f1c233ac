import type { Emit } from '../core/events.ts';
import type { Environment } from './environment.ts';
import { shortSecretWarning } from './secrets.ts';
import type { Wiring } from './wiring/wiring.ts';

/** What a command works with while it runs. */
export interface Session {
  readonly environment: Environment;
  /** The adapters, each made when it is first asked for. */
  readonly wiring: Wiring;
  /** Aborted by SIGINT, SIGTERM or SIGHUP; the reason is a PrimitiveError with the exit code. */
  readonly signal: AbortSignal;
  /** Shows what happens; never throws. */
  readonly emit: Emit;
}

/** Says once which secrets to sign with are too short to be masked. */
export function warnOfShortSecrets({ environment, emit }: Session): void {
  const message = shortSecretWarning(environment.variables);
  if (message !== undefined) emit({ type: 'warning', code: 'secret-short', message });
}
