import type { Emit } from '../core/events.ts';
import type { Environment } from './environment.ts';
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
