/**
 * Entry of the process that runs rules of a plugin. It imports modules of Node alone: it may read this folder and the plugin,
 * nothing else.
 *
 * Each line of stdin is a subject for a rule; each line of stdout begins with the word that is the first argument, and
 * answers one of them. Rules have no module of Node, no `process`, no network and no console: their result depends on their
 * subject alone.
 */
import { isBuiltin, registerHooks } from 'node:module';
import { createInterface } from 'node:readline';

/** A line of stdin. */
export interface RuleCall {
  readonly index: number;
  /** URL of the module of the rule. */
  readonly module: string;
  readonly subject: unknown;
}

/** A line of stdout: what the rule returned, as it is, or why it returned nothing. */
export type RuleAnswer =
  | { readonly index: number; readonly problems: unknown }
  | { readonly index: number; readonly error: string };

const [, , word = ''] = process.argv;
const lines = createInterface({ input: process.stdin });
const write = process.stdout.write.bind(process.stdout);
const answer = (found: RuleAnswer) => void write(`${word}${JSON.stringify(found)}\n`);

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    if (!/^file:/.test(found.url) || isBuiltin(found.url))
      throw new Error(
        `a rule cannot import ${JSON.stringify(specifier)}: it has the files of its package alone`,
      );
    return found;
  },
});
for (const name of [
  'process',
  'console',
  'fetch',
  'WebSocket',
  'EventSource',
  'BroadcastChannel',
  'navigator',
  'localStorage',
  'sessionStorage',
  'indexedDB',
]) {
  Object.defineProperty(globalThis, name, { value: undefined, configurable: false, writable: false });
}

for await (const line of lines) {
  const { index, module, subject }: RuleCall = JSON.parse(line);
  try {
    const { default: rule } = await import(module);
    answer({ index, problems: (await rule(subject)) ?? null });
  } catch (error) {
    answer({ index, error: error instanceof Error ? error.message : String(error) });
  }
}
