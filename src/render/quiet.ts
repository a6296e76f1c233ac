import type { EventRenderer, Write } from './events.ts';
import { plainRenderer } from './plain.ts';

/** Nothing but what failed, with its log: a result does not repeat that. */
export function quietRenderer(write: Write): EventRenderer {
  let failing = false;
  const renderer = plainRenderer((text) => failing && write(text), false);
  return {
    show(event) {
      failing = event.type === 'item' && event.status === 'failed';
      renderer.show(event);
    },
    end: () => renderer.end(),
  };
}
