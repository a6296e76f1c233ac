import { hash } from 'node:crypto';
import { byKey } from '../core/order.ts';
import { formatPlatform, type Platform } from '../core/platform.ts';
import type { TreeEntry } from './source-tree.ts';

/**
 * How images are made from inputs, as a number: raised when publish itself changes what comes out of the same inputs
 * (fixed timestamps, labels, layout) or how this digest is made, so that all is built once more. It is not the version
 * of the CLI. 2: a context that is a whole folder counts by that folder's object id. 3: the time of a file follows its
 * content; without that BuildKit could take the file of an earlier commit for it.
 */
export const RECIPE = 3;

/** All that decides what an image contains. */
export interface DigestedInputs {
  readonly kind: string;
  readonly name: string;
  /** With the registry: `ghcr.io/acme/domain-orders`. A signature alone does not say for which repository it was made. */
  readonly repository: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly target?: string;
  readonly platforms: readonly Platform[];
  readonly args: Readonly<Record<string, string>>;
  /** Ids only: a secret's value is not part of what is made. */
  readonly secrets: readonly string[];
  /** Reference in `FROM` -> reference to use instead. */
  readonly bases: Readonly<Record<string, string>>;
  readonly files: InputFiles;
}

/** The files of a build context. */
export type InputFiles =
  /** All of a folder, by its git object id: this covers path, mode and content of each file in it. */
  | { readonly folder: string }
  /** Some of a folder: paths relative to it, sorted by code unit, each path once. */
  | { readonly entries: readonly TreeEntry[] };

/**
 * The input digest: 64 hex digits that are equal if and only if all inputs are.
 *
 * SHA-256 over one line of JSON with sorted keys and lists, a line feed, then `MODE SP OBJECT TAB PATH NUL` per file;
 * for a whole folder once, with its mode 040000 and an empty path, which no file has.
 * No part can contain its own end (JSON escapes line feeds, a path has no NUL), so no two inputs share an encoding.
 * Git object ids are of the repository's own hash: one that is converted to SHA-256 builds everything once more.
 */
export function inputDigest(inputs: DigestedInputs): string {
  const header = JSON.stringify({
    args: sorted(inputs.args),
    bases: sorted(inputs.bases),
    dockerfile: inputs.dockerfile,
    kind: inputs.kind,
    name: inputs.name,
    platforms: inputs.platforms.map(formatPlatform).sort(),
    recipe: RECIPE,
    repository: inputs.repository,
    secrets: [...inputs.secrets].sort(),
    target: inputs.target ?? null,
  });
  const entries =
    'folder' in inputs.files
      ? [{ mode: '040000', object: inputs.files.folder, path: '' }]
      : inputs.files.entries;
  const files = entries.map(({ mode, object, path }) => `${mode} ${object}\t${path}\0`);
  return hash('sha256', `${header}\n${files.join('')}`);
}

/** As pairs: an object would move keys that look like numbers to the front, and lose `__proto__`. */
function sorted(record: Readonly<Record<string, string>>): readonly (readonly [string, string])[] {
  return Object.entries(record).sort(byKey);
}
