import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { entityOf } from '../../kinds/entity.ts';
import { type Kind, protoCopy } from '../../kinds/kind.ts';
import type { SourcePrimitive } from '../../kinds/render.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { protoFile, readManifest } from '../../repository/provenance.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import type { GivenInputs } from './inputs.ts';

/** Inputs with those that follow from others, and the primitive whose events are taken or that is called, if any. */
export interface CompleteInputs {
  readonly inputs: GivenInputs;
  readonly source: SourcePrimitive | undefined;
}

/**
 * Fills in an input `primitive` (one that is called as this is) and an input `entity` (that of the former, else the
 * singular of the name). A primitive that was not `given` may not be there yet: then its name says what it keeps.
 *
 * Throws `source-missing` and `source-events` (exit 2), and what {@link readManifest} throws.
 */
export async function completeInputs(
  kind: Kind,
  name: string,
  inputs: GivenInputs,
  { root, given }: { readonly root: string; readonly given: GivenInputs },
): Promise<CompleteInputs> {
  const known = Object.entries(kind.inputs ?? {});
  const [sourceName, sourceInput] = known.find(([, { type }]) => type === 'primitive') ?? [];
  const [entityName, entityInput] = known.find(([, { type }]) => type === 'entity') ?? [];
  const complete = { ...inputs };
  let source: SourcePrimitive | undefined;
  if (sourceName !== undefined) {
    const path = inputs[sourceName] ?? `${sourceInput?.match?.split('/')[0]}/${name}`;
    complete[sourceName] = path;
    const flag = Object.hasOwn(given, sourceName) ? sourceName : undefined;
    const copy = protoCopy(kind);
    source = await readSource(root, path, {
      flag,
      copy: copy && `primitives/${kind.kind}/${name}/${copy}`,
    });
  }
  if (entityName !== undefined)
    complete[entityName] ??= source?.entity ?? entityOf(name, entityInput?.reserved);
  return { inputs: complete, source };
}

/**
 * `flag` is the one that names it, if one does. `copy` is the place of its proto file in a primitive that calls it and takes
 * no events: once it was copied, the copy is the API.
 */
async function readSource(
  root: string,
  path: string,
  { flag, copy }: { readonly flag: string | undefined; readonly copy: string | undefined },
): Promise<SourcePrimitive> {
  const [kind = '', name = ''] = path.split('/');
  const shown = `primitives/${path}/${MANIFEST}`;
  const proto = await readText(root, copy);
  const found = await lookBelow(root, shown);
  if (found.type !== 'file') {
    if (flag === undefined) return { kind, name, entity: entityOf(name), proto };
    throw new PrimitiveError('source-missing', `Primitive ${path} of --${flag} not found.`, {
      why: `${shown} is missing`,
      suggestions: [`primitive scaffold --kind ${kind} --name ${name}`],
    });
  }
  const manifest = await readManifest(await readFile(join(root, shown), 'utf8'), shown);
  const { entity = entityOf(name), service } = manifest.provenance?.inputs ?? {};
  if (copy !== undefined) {
    return { kind, name, entity, proto: proto ?? (await readText(root, protoFile(path, manifest))) };
  }
  if (service !== undefined && flag !== undefined) {
    throw new PrimitiveError('source-events', `--${flag} ${path} cannot be used.`, {
      why: `it serves ${service}, which declares no events`,
      suggestions: [`Omit --${flag}, and write the names of its events in internal/source.`],
    });
  }
  return { kind, name, entity };
}

/** A file without the white space at its end; undefined if it is not there. */
async function readText(root: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined || (await lookBelow(root, path)).type !== 'file') return undefined;
  return (await readFile(join(root, path), 'utf8')).trimEnd();
}
