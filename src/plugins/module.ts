import * as nodeModule from 'node:module';
import { PrimitiveError } from '../core/errors.ts';

/** The module that plugins import. */
const SPECIFIER = '@ameide/primitive/plugin';

let isRegistered = false;

/**
 * Lets plugins import the interface of this very process, whatever is installed beside them: a second copy would have other
 * classes. Throws `node-too-old` (exit 3) for a Node that cannot do that.
 */
export function registerInterface(): void {
  if (isRegistered) return;
  // Absent before Node 22.15.
  const { registerHooks } = nodeModule as { registerHooks?: typeof nodeModule.registerHooks };
  if (registerHooks === undefined) {
    throw new PrimitiveError('node-too-old', 'Plugins need Node 22.15 or newer.', {
      why: `This is ${process.versions.node}.`,
      suggestions: ['https://nodejs.org'],
      exit: 3,
    });
  }
  // From the source as from the bundle, where all modules are in one folder.
  const url = new URL(import.meta.url.endsWith('.ts') ? '../plugin.ts' : './plugin.js', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === SPECIFIER ? { url, format: null, shortCircuit: true } : next(specifier, context),
  });
  isRegistered = true;
}
