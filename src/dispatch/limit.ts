import { PrimitiveError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';
import { systemClock } from '../http/clock.ts';
import { parseDuration } from './duration.ts';
import type { GitHub } from './github.ts';
import type { DispatchPorts } from './run.ts';

export interface RequestPorts {
  /** `budget`: milliseconds that one call may spend on retries and waits. */
  github(
    repository: string,
    options: { readonly budget: number; readonly signal: AbortSignal },
  ): Promise<GitHub>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** The ports of one request, which ends after `timeout` (`30m`). Throws `invalid-flag` (exit 2). */
export function limitTime(
  ports: RequestPorts,
  {
    timeout,
    dryRun,
    command,
  }: { readonly timeout: string; readonly dryRun: boolean; readonly command: string },
): DispatchPorts {
  const { emit, signal: stopped } = ports;
  const budget = parseDuration(timeout, 'timeout');
  const signal = AbortSignal.any([stopped, timeLimit(timeout, budget)]);
  return {
    // A dry run says what it could not look up, and waits for nothing.
    github: (repository) => ports.github(repository, { budget: dryRun ? 0 : budget, signal }),
    command,
    clock: systemClock,
    emit,
    signal,
  };
}

/** Ends requests and waits, with `gitops-timeout` (exit 3) as the reason. */
function timeLimit(shown: string, milliseconds: number): AbortSignal {
  const limit = new AbortController();
  const reason = new PrimitiveError('gitops-timeout', `Stopped after ${shown}.`, {
    why: 'The time limit of the command is reached.',
    suggestions: ['Run the same command again.'],
    exit: 3,
    retryable: true,
  });
  // A longer timer than Node has would end at once.
  setTimeout(() => limit.abort(reason), Math.min(milliseconds, 2 ** 31 - 1)).unref();
  return limit.signal;
}
