import type { Emit } from '../../core/events.ts';
import type { Environment } from '../environment.ts';

/** What adapters are made from. */
export interface WiringContext {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}
