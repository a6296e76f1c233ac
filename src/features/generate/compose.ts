import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { COMPOSE_FILE, composeText, isComposeFile } from '../../kinds/compose/compose.ts';
import { stagingOf } from '../../repository/primitive-folders.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import { applyChanges } from '../../repository/transaction.ts';
import type { GenerateDocument } from './document.ts';
import type { readOnDisk } from './on-disk.ts';
import { readBelow } from './original.ts';

/** The result for the compose file. */
export type Composing = NonNullable<GenerateDocument['compose']>;

/**
 * Writes the compose file of all primitives, or compares it with `check`. Without `wanted` that is done only where there is one
 * that we wrote.
 *
 * Throws `generator-output` for another file in its place, `primitive-…` for a primitive that cannot be built (exit 2), and
 * what {@link applyChanges} throws.
 */
export async function generateCompose(
  all: Awaited<ReturnType<typeof readOnDisk>>,
  {
    root,
    wanted,
    check,
    signal,
  }: {
    /** The folder of the config. */
    readonly root: string;
    readonly wanted: boolean;
    readonly check: boolean;
    readonly signal: AbortSignal;
  },
): Promise<Composing | undefined> {
  const { type } = await lookBelow(root, COMPOSE_FILE);
  const bytes = await readBelow(root, COMPOSE_FILE);
  const before = bytes && new TextDecoder().decode(bytes);
  const isOurs = before !== undefined && isComposeFile(before);
  if (!isOurs && !wanted) return undefined;
  if (!isOurs && type !== 'missing') {
    throw new PrimitiveError('generator-output', `Cannot write ${COMPOSE_FILE}.`, {
      why: 'A file of that name is there, and generate did not write it.',
      suggestions: [`git mv ${COMPOSE_FILE} compose.override.yaml`],
    });
  }
  const composed = all.map(({ id, template: kind, manifest, component, fault }) => {
    if (manifest !== undefined && component !== undefined) return { id, kind, manifest, component };
    throw fault ?? new Error(`${id} has neither a component nor a fault`);
  });
  const text = composeText(composed, '', root);
  if (text === before) return { path: COMPOSE_FILE, change: 'unchanged' };
  const change = before === undefined ? 'created' : 'changed';
  if (check) return { path: COMPOSE_FILE, change };
  const after = { bytes: new TextEncoder().encode(text) };
  await applyChanges({
    root,
    changes: [{ path: COMPOSE_FILE, before: bytes && digestOf(bytes), after }],
    staging: stagingOf(join(root, COMPOSE_FILE)),
    what: `generate ${COMPOSE_FILE}`,
    code: 'scaffold',
    signal,
  });
  return { path: COMPOSE_FILE, change };
}
