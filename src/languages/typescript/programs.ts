import { posix } from 'node:path';
import { readJson, record } from '../../core/json.ts';
import type { TestedPrimitive } from '../ports.ts';
import type { Ran } from '../runner.ts';
import type { Files } from '../source-tree.ts';

/** The program of an npm package, relative to the root of the repository, from the folder of the primitive upwards. */
export async function nodeProgram(
  name: string,
  program: string,
  { path }: TestedPrimitive,
  tree: Files,
): Promise<string | undefined> {
  for (let folder = path; ; folder = posix.dirname(folder)) {
    const place = posix.join(folder, 'node_modules', name);
    const manifest = await tree.read(`${place}/package.json`);
    if (manifest !== undefined) {
      const { bin } = readJson(new TextDecoder().decode(manifest));
      const file = typeof bin === 'string' ? bin : record(bin)[program];
      return typeof file === 'string' ? posix.join(place, file) : undefined;
    }
    if (folder === '.') return undefined;
  }
}

/** A runner that is not in `node_modules`. */
export function notInstalled(
  { path }: TestedPrimitive,
  name: string,
): Extract<Ran, { readonly cause: unknown }> {
  return {
    cause: 'tool-failed',
    why: `${name} is not among its dependencies`,
    fix: { kind: 'command', text: `cd ${path} && npm install --save-dev --save-exact ${name}` },
  };
}
