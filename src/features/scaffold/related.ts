import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { entityOf } from '../../kinds/entity.ts';
import { type Kind, type Kinds, protoCopy } from '../../kinds/kind.ts';
import {
  recordsEvents,
  type SourcePrimitive,
  sampleProto,
  sourceEvents,
  takesEvents,
} from '../../kinds/source.ts';
import type { Config } from '../../repository/config.ts';
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
  {
    root,
    given,
    languages,
    kinds,
  }: {
    readonly root: string;
    readonly given: GivenInputs;
    readonly languages: Config['languages'];
    readonly kinds: Kinds;
  },
): Promise<CompleteInputs> {
  const known = Object.entries(kind.inputs ?? {});
  const [sourceName, sourceInput] = known.find(([, { type }]) => type === 'primitive') ?? [];
  const [entityName, entityInput] = known.find(([, { type }]) => type === 'entity') ?? [];
  const complete = { ...inputs };
  let source: SourcePrimitive | undefined;
  if (sourceName !== undefined && (inputs[sourceName] !== undefined || sourceInput?.optional !== true)) {
    const path = inputs[sourceName] ?? `${sourceInput?.match?.split('/')[0]}/${name}`;
    complete[sourceName] = path;
    const flag = Object.hasOwn(given, sourceName) ? sourceName : undefined;
    const copy = protoCopy(kind);
    source = await readSource(root, path, {
      flag,
      copy: copy && `primitives/${kind.kind}/${name}/${copy}`,
      takesEvents: takesEvents(kind),
      recordsEvents: recordsEvents(kind),
      assumed: inputs[entityName ?? ''],
      languages,
      kinds,
    });
  }
  if (entityName !== undefined)
    complete[entityName] ??= source?.entity ?? entityOf(name, entityInput?.reserved);
  return { inputs: complete, source };
}

/** How a source is read. */
interface SourceOptions {
  /** The flag that names it, if one does. */
  readonly flag: string | undefined;
  /** The place of its proto file in a primitive that has a copy: once it was copied, the copy is the API. */
  readonly copy: string | undefined;
  /** Whether it has to have events, and whether their digest is recorded. */
  readonly takesEvents: boolean;
  readonly recordsEvents: boolean;
  /** Entity of a source that is called and not there yet. */
  readonly assumed: string | undefined;
  readonly languages: Config['languages'];
  readonly kinds: Kinds;
}

async function readSource(
  root: string,
  path: string,
  { flag, copy, takesEvents, recordsEvents, assumed, languages, kinds }: SourceOptions,
): Promise<SourcePrimitive> {
  const [kind = '', name = ''] = path.split('/');
  const shown = `primitives/${path}/${MANIFEST}`;
  const found = await lookBelow(root, shown);
  if (found.type !== 'file' && flag !== undefined) {
    throw new PrimitiveError('source-missing', `Primitive ${path} of --${flag} not found.`, {
      why: `${shown} is missing`,
      suggestions: [`primitive scaffold --kind ${kind} --name ${name}`],
    });
  }
  const manifest =
    found.type === 'file' ? await readManifest(await readFile(join(root, shown), 'utf8'), shown) : undefined;
  const ifMissing = manifest === undefined && !takesEvents ? assumed : undefined;
  const { entity = ifMissing ?? entityOf(name), service } = manifest?.provenance?.inputs ?? {};
  const original = manifest && protoFile(path, manifest);
  const copied = await readText(root, copy);
  const proto =
    copied ??
    (await readText(root, original)) ??
    (await sampleOf(kind, { name, entity }, { languages, kinds }));
  if (!recordsEvents) return { kind, name, entity, proto };
  const events = sourceEvents(proto, (copied === undefined ? original : copy) ?? shown, entity);
  if (events.events.length > 0 || !takesEvents) return { kind, name, entity, proto, events };
  const file = service ?? original ?? shown;
  throw new PrimitiveError('source-events', `${path} declares no events.`, {
    why: `no message of ${file} has the option (primitive.events.v1.event)`,
    suggestions: [`Declare them in ${file}: option (primitive.events.v1.event) = {};`],
  });
}

/** The proto file of a source as it is scaffolded. Throws `source-missing` (exit 2) for a kind that serves none. */
async function sampleOf(
  kind: string,
  source: { readonly name: string; readonly entity: string },
  { languages, kinds }: Pick<SourceOptions, 'languages' | 'kinds'>,
): Promise<string> {
  const known = await kinds.get(kind);
  const proto = known && sampleProto(known, source, languages);
  if (proto !== undefined) return proto;
  throw new PrimitiveError('source-missing', `Cannot read the proto file of ${kind}/${source.name}.`, {
    why: `it has none, and ${known === undefined ? `the kind ${kind} is unknown` : `\`api\` of the kind ${kind} names none`}`,
  });
}

/** A file without the white space at its end; undefined if it is not there. */
async function readText(root: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined || (await lookBelow(root, path)).type !== 'file') return undefined;
  return (await readFile(join(root, path), 'utf8')).trimEnd();
}
