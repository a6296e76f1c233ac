import { type Context, createContext, Script } from 'node:vm';

/** Milliseconds: a name is matched in less than one. */
const LIMIT = 500;

/** Stopped by V8, which it asks in a loop of its own; nothing else ends a search that takes for ever. */
const MATCH = new Script('new RegExp(pattern, "u").test(text)');
let context: Context | undefined;

/** Patterns that took too long once; they are not tried again. */
const slow = new Set<string>();

/**
 * Whether a text matches a regular expression that somebody else wrote; undefined if that cannot be said, because it
 * takes longer than half a second or is too large.
 */
export function matchesForeign(pattern: string, text: string): boolean | undefined {
  if (slow.has(pattern)) return undefined;
  context ??= createContext({});
  try {
    return MATCH.runInContext(Object.assign(context, { pattern, text }), { timeout: LIMIT }) === true;
  } catch {
    slow.add(pattern);
    return undefined;
  }
}
