import { posix } from 'node:path';
import { PrimitiveError } from '../../../core/errors.ts';
import { callsSource, protoCopy } from '../../../kinds/kind.ts';
import { eventsDigestOf, recordsEvents } from '../../../kinds/source.ts';
import { protoFile } from '../../../repository/provenance.ts';
import type { Context, Problem, Rule } from '../rule.ts';
import type { Primitive } from '../subjects.ts';

export const rule: Rule<'primitive'> = {
  id: 'GEN-008',
  level: 'warning',
  title: 'Source has changed since code was generated',
  subject: 'primitive',
  check: async (primitive, context) => {
    const { kind, manifest, path, id } = primitive;
    const copy = kind && protoCopy(kind);
    if (kind === undefined || copy === undefined || manifest?.provenance === undefined) return [];
    const [ours, theirs] = await Promise.all([
      textAt(posix.join(path, copy), context),
      sourceProto(primitive, context),
    ]);
    if (ours === undefined) return [];
    const source = manifest.provenance.inputs.source ?? '';
    const isCalled = callsSource(kind);
    const meaningOf = (text: string) => (isCalled ? text.trimEnd() : eventsOf(text, copy));
    const [own, now] = [meaningOf(ours), theirs === undefined ? undefined : meaningOf(theirs)];
    // Proto files that cannot be read are the matter of their generators.
    if (own === undefined) return [];
    const fix = { kind: 'command', text: `primitive generate ${id}` } as const;
    const found: Problem[] = [];
    if (now !== undefined && now !== own) {
      const what = isCalled ? 'The API' : 'Events';
      found.push({
        message: `${what} of ${source} changed since ${copy} was copied.`,
        path: posix.join(path, copy),
        fix,
      });
    }
    const recorded = manifest.provenance.events;
    if (recordsEvents(kind) && recorded !== undefined && recorded !== eventsOf(ours, copy))
      found.push({ message: `primitive.yaml records other events than ${copy} declares.`, path, fix });
    return found;
  },
};

async function sourceProto({ manifest }: Primitive, context: Context): Promise<string | undefined> {
  const source = context.primitives.find(({ id }) => id === manifest?.provenance?.inputs.source);
  const file = source?.manifest && protoFile(source.id, source.manifest);
  return file === undefined ? undefined : textAt(posix.join(context.base, file), context);
}

async function textAt(path: string, { tree }: Context): Promise<string | undefined> {
  const bytes = await tree.read(path);
  return bytes && new TextDecoder().decode(bytes).replaceAll('\r\n', '\n');
}

function eventsOf(text: string, shown: string): string | undefined {
  try {
    return eventsDigestOf(text, shown);
  } catch (error) {
    if (error instanceof PrimitiveError) return undefined;
    throw error;
  }
}
