import type { Event } from '../core/events.ts';
import type { EventRenderer, Write } from './events.ts';
import { sanitizeLine } from './text.ts';

/**
 * One line per event, for logs and pipes. The log of an item is kept and shown when it fails; `verbose` shows every line
 * as it comes.
 */
export function plainRenderer(write: Write, verbose: boolean): EventRenderer {
  const logs = new Map<string, string[]>();
  return {
    show(event) {
      const line = `${plainLine(event)}\n`;
      if (event.type === 'log' && !verbose) {
        const log = logs.get(event.item);
        if (log) log.push(line);
        else logs.set(event.item, [line]);
        return;
      }
      if (event.type === 'item' && event.status === 'failed') {
        for (const kept of logs.get(event.item) ?? []) write(kept);
      }
      if (event.type === 'item' && (event.status === 'failed' || event.status === 'done'))
        logs.delete(event.item);
      write(line);
    },
    end: () => {},
  };
}

/** An event as one line without its line end, safe to print. */
export function plainLine(event: Event): string {
  return sanitizeLine(lineOf(event));
}

function lineOf(event: Event): string {
  switch (event.type) {
    case 'step':
      return `==> ${event.message}`;
    case 'log':
      return `${event.item} | ${event.line}`;
    case 'warning':
      return `warning: ${event.message} [${event.code}]`;
    case 'item': {
      // Why it failed is in the result, once.
      const detail = event.status === 'failed' ? undefined : event.detail;
      const more = [event.digest, detail].filter((part) => part !== undefined);
      return [`${event.item}: ${event.state}`, ...more].join('  ');
    }
  }
}
