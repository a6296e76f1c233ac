import { type Context, createContext, Script } from 'node:vm';
import { field } from './object.ts';

/** Milliseconds of the processor: a name is matched in less than one. */
const LIMIT = 500;

/** Stopped by V8, which it asks in a loop of its own; nothing else ends a search that takes for ever. */
const MATCH = new Script('new RegExp(pattern, "u").test(text)');
let context: Context | undefined;

/** Patterns that took too long once; they are not tried again. */
const slow = new Set<string>();

/**
 * Whether a text matches a regular expression that somebody else wrote; undefined if that cannot be said, because it
 * takes more than half a second of the processor or is too large.
 */
export function matchesForeign(pattern: string, text: string): boolean | undefined {
  if (slow.has(pattern)) return undefined;
  context ??= createContext({});
  const spent = process.cpuUsage();
  for (;;) {
    try {
      return MATCH.runInContext(Object.assign(context, { pattern, text }), { timeout: LIMIT }) === true;
    } catch (error) {
      // V8 counts the time of a busy machine, too, in which nothing was matched.
      const wasWaiting = field(error, 'code') === 'ERR_SCRIPT_EXECUTION_TIMEOUT' && userTime(spent) < LIMIT;
      if (wasWaiting) continue;
      slow.add(pattern);
      return undefined;
    }
  }
}

function userTime(since: NodeJS.CpuUsage): number {
  return process.cpuUsage(since).user / 1000;
}
