import type { Emit } from '../../core/events.ts';
import type { PublishReport } from './document.ts';

/** Passes events on, and takes the time of each phase: from its step event to the next one. */
export interface PhaseClock {
  readonly emit: Emit;
  /** The phases so far, of which the last one ends now. */
  read(): PublishReport['run']['phases'];
}

/** A clock over `now`, in milliseconds. */
export function phaseClock(emit: Emit, now: () => number): PhaseClock {
  const begun: { readonly phase: string; readonly at: number }[] = [];
  return {
    emit(event) {
      if (event.type === 'step') begun.push({ phase: event.step, at: now() });
      emit(event);
    },
    read() {
      const end = now();
      return begun.map(({ phase, at }, index) => ({
        phase,
        duration: Math.round((begun[index + 1]?.at ?? end) - at),
      }));
    },
  };
}
