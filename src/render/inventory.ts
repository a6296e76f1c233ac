import type { ComponentInputs } from '../workspace/inputs.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** `primitive.list/v1`. */
export interface Inventory {
  readonly schema: 'primitive.list/v1';
  readonly commit: string;
  /** Sorted by kind, then name. */
  readonly primitives: readonly {
    readonly kind: string;
    readonly name: string;
    /** Folder, relative to the repository root. */
    readonly path: string;
    /** `<registry>/<image>`. */
    readonly image: string;
    /** 64 hex digits. */
    readonly inputDigest: string;
  }[];
}

/** The inventory of what was read at a commit. */
export function inventoryOf(commit: string, inputs: readonly ComponentInputs[]): Inventory {
  const primitives = inputs.map(({ component: { kind, name, path, repository }, inputDigest }) => ({
    kind,
    name,
    path,
    image: repository,
    inputDigest,
  }));
  const key = ({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`;
  return {
    schema: 'primitive.list/v1',
    commit,
    primitives: primitives.sort((a, b) => (key(a) < key(b) ? -1 : 1)),
  };
}

/** A line per primitive: what it is, its image, the beginning of its input digest. */
export function inventoryText({ primitives }: Inventory, style: Style): string {
  const rows = primitives.map(({ kind, name, image, inputDigest }) => [
    `${kind}/${name}`,
    image,
    style.dim(inputDigest.slice(0, 12)),
  ]);
  return table([['PRIMITIVE', 'IMAGE', 'INPUTS'].map((title) => style.bold(title)), ...rows]);
}
