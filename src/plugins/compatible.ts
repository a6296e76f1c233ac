import { PrimitiveError } from '../core/errors.ts';
import type { ApiVersion } from './api.ts';

/** The version of the interface that this program has for plugins. */
export const API_VERSION: ApiVersion = '0.1';

/** `RUST` of `RUST-001`. */
export function prefixOf(id: string): string {
  return id.slice(0, id.indexOf('-'));
}

/** Throws `plugin-api` (exit 2) for a plugin that was written for another version of the interface. */
export function requireApi(name: string, api: string): void {
  if (api === API_VERSION) return;
  throw new PrimitiveError('plugin-api', `Plugin ${name} needs another version of primitive.`, {
    why: `It was written for version ${JSON.stringify(api)} of the plugin interface; this primitive has ${API_VERSION}.`,
    suggestions: [`primitive plugins update ${name}`, `Or remove it: primitive plugins uninstall ${name}`],
  });
}
