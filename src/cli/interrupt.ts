import { type ExitCode, PrimitiveError } from '../core/errors.ts';
import type { Emit } from '../core/events.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 143 } as const;

/** Turns the signals that end a process into an abort, for as long as it is in use. */
export interface Interrupts extends Disposable {
  /** Aborted by the first signal, with a PrimitiveError `interrupted` of its exit code as the reason. */
  readonly signal: AbortSignal;
}

/**
 * Listens on `process`. The first signal aborts, so that work in progress can clean up, and is confirmed to the person who
 * sent it. The second one ends the process at once.
 */
export function listenForInterrupts(process: NodeJS.Process, emit: Emit): Interrupts {
  const controller = new AbortController();
  const listeners = Object.entries(SIGNALS).map(([name, exit]) => {
    const listener = () => {
      if (controller.signal.aborted) process.exit(exit);
      controller.abort(interrupted(name, exit));
      emit({
        type: 'warning',
        code: 'stopping',
        message: 'Stopping and cleaning up. Press Ctrl-C again to quit.',
      });
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}

/** Whether an error is that of an interruption; a command may say more in it. */
export function isInterruption(error: unknown): boolean {
  return error instanceof PrimitiveError && error.code === 'interrupted';
}

function interrupted(name: string, exit: ExitCode): PrimitiveError {
  return new PrimitiveError('interrupted', `Stopped by ${name}.`, {
    why: 'Finished work is kept. Run the same command again to continue.',
    exit,
    retryable: true,
  });
}
