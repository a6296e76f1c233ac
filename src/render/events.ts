import type { ComponentState, PublishEvent } from '../publish/events.ts';

/** Shows events as they come; `end` leaves the terminal as it was found and may be called again. */
export interface EventRenderer {
  show(event: PublishEvent): void;
  end(): void;
}

/** Takes finished text, with its line ends. */
export type Write = (text: string) => void;

/** States after which nothing more happens to a component in its phase; the live view stops counting there. */
export const RESTING: ReadonlySet<ComponentState> = new Set([
  'planned',
  'built',
  'attested',
  'sealed',
  'tagged',
  'failed',
]);
