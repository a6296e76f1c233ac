import { ownKinds } from '../../src/kinds/kind.ts';
import { type SourcePrimitive, sampleProto, sourceEvents } from '../../src/kinds/source.ts';
import type { Config } from '../../src/repository/config.ts';

/** A domain that is not there yet, as it is scaffolded. */
export async function sampleSource(
  source: { readonly kind: string; readonly name: string; readonly entity: string },
  languages: Config['languages'],
): Promise<SourcePrimitive> {
  const kind = await (await ownKinds()).get(source.kind);
  const proto = kind && sampleProto(kind, source, languages);
  if (proto === undefined) throw new Error(`no kind ${source.kind} serves a proto file`);
  const shown = `primitives/${source.kind}/${source.name}`;
  return { ...source, proto, events: sourceEvents(proto, shown, source.entity) };
}
