import type { Event } from '../core/events.ts';
import type { EventRenderer, Write } from './events.ts';
import { sanitizeLine } from './text.ts';

/** One line per event, for logs and pipes. */
export function plainRenderer(write: Write): EventRenderer {
  return {
    show: (event) => write(`${plainLine(event)}\n`),
    end: () => {},
  };
}

/** An event as one line without its line end. */
export function plainLine(event: Event): string {
  switch (event.type) {
    case 'step':
      return `==> ${sanitizeLine(event.message)}`;
    case 'log':
      return `${event.item} | ${sanitizeLine(event.line)}`;
    case 'warning':
      return `warning: ${sanitizeLine(event.message)} [${event.code}]`;
    case 'item': {
      const more = [event.digest, event.detail].filter((part) => part !== undefined).map(sanitizeLine);
      return [`${event.item}: ${event.state}`, ...more].join('  ');
    }
  }
}
