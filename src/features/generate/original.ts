import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import type { Finding } from '../../core/finding.ts';
import { modelFiles } from '../../kinds/kind.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import type { OnDisk } from './on-disk.ts';

/**
 * A warning if the model that a primitive was scaffolded from says something else by now than the copy in the
 * primitive, from which code is generated. Undefined if one of them is gone, or no XML.
 */
export async function originalWarning(
  { path, template, manifest }: OnDisk,
  root: string,
): Promise<Finding | undefined> {
  const original = manifest?.provenance?.inputs.bpmn;
  const [copy] = modelFiles(template);
  if (original === undefined || copy === undefined) return undefined;
  const shown = `${path}/${copy}`;
  const [theirs, ours] = await Promise.all(
    [original, shown].map((file) => readBelow(root, file).catch(() => undefined)),
  );
  if (theirs === undefined || ours === undefined) return undefined;
  const [one, other] = await Promise.all([digestOfModel(theirs, original), digestOfModel(ours, shown)]);
  if (one === undefined || other === undefined || one === other) return undefined;
  const isEdited = digestOf(ours) !== manifest?.provenance?.files.get(copy);
  return {
    rule: 'bpmn-original',
    level: 'warning',
    path: isEdited ? shown : original,
    message: isEdited
      ? `it has changed since it was copied from ${original}; code is generated from this copy`
      : `it has changed since it was copied to ${shown}, from which code is generated`,
    fix: `Remove ${original}, or copy one over the other.`,
  };
}

async function readBelow(root: string, path: string): Promise<Uint8Array | undefined> {
  const { type } = await lookBelow(root, path);
  return type === 'file' ? readFile(join(root, path)) : undefined;
}

/** Whether it has faults does not matter here; undefined if it is no XML. */
async function digestOfModel(bytes: Uint8Array, path: string): Promise<string | undefined> {
  const [{ readXml }, { modelDigest }] = await Promise.all([
    import('../../kinds/generators/bpmn/xml.ts'),
    import('../../kinds/generators/bpmn/digest.ts'),
  ]);
  const read = readXml(new TextDecoder().decode(bytes), path);
  return 'root' in read ? modelDigest(read.root) : undefined;
}
