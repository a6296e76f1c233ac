import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import type { Finding } from '../../core/finding.ts';
import { modelFiles, protoCopy } from '../../kinds/kind.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { protoFile, readManifest } from '../../repository/provenance.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import type { OnDisk } from './on-disk.ts';

/** A file of the repository, and the copy of it in a primitive, from which code is generated. */
interface Copied {
  readonly rule: 'bpmn-original' | 'proto-original';
  /** Relative to the root of the repository. */
  readonly original: string;
  /** Relative to the primitive. */
  readonly copy: string;
  /** The part that generators read; undefined if it cannot be read. */
  readonly meaningOf: (bytes: Uint8Array, path: string) => Promise<string | undefined>;
  readonly fix: string;
}

/**
 * A warning if the model that a primitive was scaffolded from, or the API of the primitive that it calls, says something
 * else by now than the copy in the primitive, from which code is generated. Undefined if one of them is gone or no XML.
 */
export async function originalWarning(primitive: OnDisk, root: string): Promise<Finding | undefined> {
  const copied = (await copiedApi(primitive, root)) ?? copiedModel(primitive);
  if (copied === undefined) return undefined;
  const { rule, original, copy, meaningOf, fix } = copied;
  const shown = `${primitive.path}/${copy}`;
  const [theirs, ours] = await Promise.all(
    [original, shown].map((file) => readBelow(root, file).catch(() => undefined)),
  );
  if (theirs === undefined || ours === undefined) return undefined;
  const [one, other] = await Promise.all([meaningOf(theirs, original), meaningOf(ours, shown)]);
  if (one === undefined || other === undefined || one === other) return undefined;
  const isEdited = digestOf(ours) !== primitive.manifest?.provenance?.files.get(copy);
  return {
    rule,
    level: 'warning',
    path: isEdited ? shown : original,
    message: isEdited
      ? `it has changed since it was copied from ${original}; code is generated from this copy`
      : `it has changed since it was copied to ${shown}, from which code is generated`,
    fix,
  };
}

function copiedModel({ template, manifest }: OnDisk): Copied | undefined {
  const original = manifest?.provenance?.inputs.bpmn;
  const [copy] = modelFiles(template);
  if (original === undefined || copy === undefined) return undefined;
  const fix = `Remove ${original}, or copy one over the other.`;
  return { rule: 'bpmn-original', original, copy, meaningOf: digestOfModel, fix };
}

async function copiedApi(primitive: OnDisk, root: string): Promise<Copied | undefined> {
  const copy = protoCopy(primitive.template);
  const original = copy && (await calledApi(primitive, root));
  if (copy === undefined || original === undefined) return undefined;
  const fix = `To copy it again: primitive generate ${primitive.id}; if you have edited it: cp ${original} ${primitive.path}/${copy}`;
  return { rule: 'proto-original', original, copy, meaningOf: async (bytes) => textOf(bytes), fix };
}

/** The proto file of the primitive that is called, or whose events are taken; undefined if that is not there. */
export async function calledApi({ manifest }: OnDisk, root: string): Promise<string | undefined> {
  const source = manifest?.provenance?.inputs.source;
  const shown = `primitives/${source}/${MANIFEST}`;
  const bytes = source === undefined ? undefined : await readBelow(root, shown).catch(() => undefined);
  if (source === undefined || bytes === undefined) return undefined;
  // A file that cannot be read is the matter of that primitive.
  const called = await readManifest(new TextDecoder().decode(bytes), shown).catch(() => undefined);
  return called && protoFile(source, called);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replaceAll('\r\n', '\n').trimEnd();
}

export async function readBelow(root: string, path: string): Promise<Uint8Array | undefined> {
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
