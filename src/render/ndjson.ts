import type { EventRenderer, Write } from './events.ts';
import { inertJson } from './text.ts';

/** `primitive.event/v1`: one JSON object per line, numbered, with the milliseconds since the start. */
export function ndjsonRenderer(write: Write, now: () => number): EventRenderer {
  const started = now();
  let sequence = 0;
  return {
    show(event) {
      sequence += 1;
      const elapsed = Math.round(now() - started);
      write(`${inertJson({ schema: 'primitive.event/v1', sequence, elapsed, ...event })}\n`);
    },
    end: () => {},
  };
}
