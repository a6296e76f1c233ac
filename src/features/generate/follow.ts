import { join } from 'node:path';
import { digestOf } from '../../core/digest.ts';
import { optional } from '../../core/object.ts';
import { protoCopy } from '../../kinds/kind.ts';
import { eventsDigestOf, recordsEvents } from '../../kinds/source.ts';
import { MANIFEST, stagingOf } from '../../repository/primitive-folders.ts';
import { readManifest, type TemplateRecord, withProvenance } from '../../repository/provenance.ts';
import { applyChanges, type FileChange } from '../../repository/transaction.ts';
import type { GeneratedChange } from './generate.ts';
import type { OnDisk } from './on-disk.ts';
import { calledApi, readBelow, textOf } from './original.ts';

/** A primitive with the copy of its source's proto file that code is generated from now. */
export interface Followed {
  readonly primitive: OnDisk;
  readonly changes: readonly GeneratedChange[];
}

/**
 * Copies the proto file of the primitive that this calls, or whose events it takes, again, unless its owner has edited the copy;
 * and records of which events code is generated. Throws what {@link applyChanges} and the reader of proto files throw.
 */
export async function followSource(primitive: OnDisk, root: string, signal: AbortSignal): Promise<Followed> {
  const { path, template, manifest } = primitive;
  const copy = protoCopy(template);
  const before = manifest?.provenance;
  if (copy === undefined || manifest === undefined || before === undefined) return { primitive, changes: [] };
  const shown = `${path}/${copy}`;
  const original = await calledApi(primitive, root);
  const [theirs, ours] = await Promise.all([
    original === undefined ? undefined : readBelow(root, original),
    readBelow(root, shown),
  ]);
  if (ours === undefined) return { primitive, changes: [] };
  const isEdited = digestOf(ours) !== before.files.get(copy);
  const isBehind = theirs !== undefined && !isEdited && textOf(theirs) !== textOf(ours);
  const bytes = isBehind ? new TextEncoder().encode(`${textOf(theirs)}\n`) : ours;
  const digest = digestOf(bytes);
  const events = recordsEvents(template) ? eventsDigestOf(textOf(bytes), shown) : undefined;
  if (!isBehind && events === before.events) return { primitive, changes: [] };
  const provenance: TemplateRecord = {
    ...before,
    ...(isBehind ? { files: new Map([...before.files, [copy, digest]]) } : {}),
    ...optional('events', events),
  };
  const text = withProvenance(manifest, `${path}/${MANIFEST}`, provenance);
  const fileOf = (file: string, old: Uint8Array, next: Uint8Array): FileChange => ({
    path: file,
    before: digestOf(old),
    after: { bytes: next },
  });
  await applyChanges({
    root: join(root, path),
    changes: [
      ...(isBehind ? [fileOf(copy, ours, bytes)] : []),
      fileOf(MANIFEST, new TextEncoder().encode(manifest.text), new TextEncoder().encode(text)),
    ],
    staging: stagingOf(join(root, path)),
    what: `generate in ${path}`,
    code: 'scaffold',
    signal,
  });
  return {
    primitive: { ...primitive, manifest: await readManifest(text, `${path}/${MANIFEST}`) },
    changes: isBehind ? [{ path: copy, change: 'changed', digest }] : [],
  };
}
