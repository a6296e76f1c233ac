import type { Event } from '../core/events.ts';

/** Shows events as they come; `end` leaves the terminal as it was found and may be called again. */
export interface EventRenderer {
  show(event: Event): void;
  end(): void;
}

/** Takes finished text, with its line ends. */
export type Write = (text: string) => void;
