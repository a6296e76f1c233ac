import type { Emit } from '../../core/events.ts';
import type { Environment } from '../environment.ts';

/** What adapters are made from. */
export interface WiringContext {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** A function that calls `make` when it is first called, and returns what that returned from then on. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
