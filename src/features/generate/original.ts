import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import type { Finding } from '../../core/finding.ts';
import { modelFiles, protoCopy } from '../../kinds/kind.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { protoFile, readManifest } from '../../repository/provenance.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import type { OnDisk } from './on-disk.ts';

/**
 * A warning if the model that a primitive was scaffolded from, or the API of the primitive that it calls, says something
 * else by now than the copy in the primitive, from which code is generated. Undefined if one of them is gone or no XML.
 */
export async function originalWarning(primitive: OnDisk, root: string): Promise<Finding | undefined> {
  const { path, template, manifest } = primitive;
  const api = protoCopy(template);
  const copy = api ?? modelFiles(template)[0];
  const original = api === undefined ? manifest?.provenance?.inputs.bpmn : await calledApi(primitive, root);
  if (original === undefined || copy === undefined) return undefined;
  const shown = `${path}/${copy}`;
  const [theirs, ours] = await Promise.all(
    [original, shown].map((file) => readBelow(root, file).catch(() => undefined)),
  );
  if (theirs === undefined || ours === undefined) return undefined;
  const digest = api === undefined ? digestOfModel : textOf;
  const [one, other] = await Promise.all([digest(theirs, original), digest(ours, shown)]);
  if (one === undefined || other === undefined || one === other) return undefined;
  const isEdited = digestOf(ours) !== manifest?.provenance?.files.get(copy);
  return {
    rule: api === undefined ? 'bpmn-original' : 'proto-original',
    level: 'warning',
    path: isEdited ? shown : original,
    message: isEdited
      ? `it has changed since it was copied from ${original}; code is generated from this copy`
      : `it has changed since it was copied to ${shown}, from which code is generated`,
    fix: api === undefined ? `Remove ${original}, or copy one over the other.` : `cp ${original} ${shown}`,
  };
}

/** The proto file of the primitive that is called; undefined if that is not there. */
async function calledApi({ manifest }: OnDisk, root: string): Promise<string | undefined> {
  const source = manifest?.provenance?.inputs.source;
  const shown = `primitives/${source}/${MANIFEST}`;
  const bytes = source === undefined ? undefined : await readBelow(root, shown).catch(() => undefined);
  if (source === undefined || bytes === undefined) return undefined;
  // A file that cannot be read is the matter of that primitive.
  const called = await readManifest(new TextDecoder().decode(bytes), shown).catch(() => undefined);
  return called && protoFile(source, called);
}

async function textOf(bytes: Uint8Array): Promise<string> {
  return new TextDecoder().decode(bytes).replaceAll('\r\n', '\n').trimEnd();
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
