import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, PrimitiveError } from '../core/errors.ts';
import type { Hook, HookEvents, HookSession } from './api.ts';
import type { HookName } from './manifest.ts';
import { registerInterface } from './module.ts';
import type { PluginSet } from './set.ts';
import type { InstalledPlugin } from './store.ts';

/** Runs the hooks of plugins for an event, one after the other, by the names of the plugins. */
export type RunHooks = <E extends HookName>(event: E, data: HookEvents[E]) => Promise<void>;

/**
 * Loads and runs the hooks of an event. A hook that fails fails the command: it throws the PrimitiveError that the hook
 * threw, with the plugin in its reason, or `hook-failed` (exit 3). An abort ends the waiting with the reason of the signal.
 */
export async function runHooks<E extends HookName>(
  { plugins }: PluginSet,
  event: E,
  data: HookEvents[E],
  session: HookSession,
): Promise<void> {
  for (const plugin of plugins) {
    const module = plugin.hooks[event];
    if (module === undefined) continue;
    session.signal.throwIfAborted();
    registerInterface();
    try {
      const url = pathToFileURL(join(plugin.folder, module)).href;
      const { default: hook }: { default?: Hook<E> } = await import(url);
      if (typeof hook !== 'function') throw new Error(`${module} has no function as its default export`);
      // Loading takes a while, in which nothing waits for the signal.
      session.signal.throwIfAborted();
      // Its own copy: what a hook changes is seen by nobody.
      await orAborted(hook(structuredClone(data), session), session.signal);
    } catch (error) {
      session.signal.throwIfAborted();
      throw failed(plugin, event, error);
    }
  }
}

async function orAborted(work: unknown, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function failed({ name, version }: InstalledPlugin, event: HookName, cause: unknown): PrimitiveError {
  const who = `The hook \`${event}\` of ${name} ${version}`;
  if (cause instanceof PrimitiveError) {
    const { code, message, why, suggestions, exit, retryable } = cause;
    const reason = why === undefined ? `${who} reported it.` : `${why}\n${who} reported it.`;
    const error = new PrimitiveError(code, message, { why: reason, suggestions, exit, retryable, cause });
    // Of a plugin's own code there is no page.
    return Object.assign(error, { documented: cause.documented });
  }
  return new PrimitiveError('hook-failed', `${who} failed.`, {
    why: messageOf(cause),
    suggestions: [`primitive plugins update ${name}`, `Or remove it: primitive plugins uninstall ${name}`],
    exit: 3,
    cause,
  });
}
