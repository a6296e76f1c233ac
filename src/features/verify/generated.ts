import { errorLine, PrimitiveError } from '../../core/errors.ts';
import type { Fact, Obstacle, Primitive, Regenerated } from './subjects.ts';

/** Runs the generators of a primitive into a temporary folder and compares. Throws as `primitive generate` does. */
export type Regenerate = (primitive: Primitive) => Promise<readonly Regenerated[]>;

/** Regenerates what primitives have of generated files, one after the other: generators share caches and tools. */
export async function regenerateAll(
  primitives: readonly Primitive[],
  regenerate: Regenerate,
): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  for (const primitive of primitives) {
    const { kind, manifest, path } = primitive;
    if (manifest === undefined || (kind?.generators ?? []).length === 0) continue;
    try {
      const results = await regenerate(primitive);
      facts.push({ subject: 'generated', value: { path, primitive, results, fault: undefined } });
    } catch (error) {
      if (!(error instanceof PrimitiveError) || (error.exit !== 2 && error.exit !== 3)) throw error;
      facts.push(error.exit === 3 ? obstacle(primitive, error) : fault(primitive, error));
    }
  }
  return facts;
}

function fault(primitive: Primitive, error: PrimitiveError): Fact {
  const { code } = error;
  return {
    subject: 'generated',
    value: { path: primitive.path, primitive, results: [], fault: { code, message: errorLine(error) } },
  };
}

function obstacle({ path }: Primitive, error: PrimitiveError): Fact {
  const {
    code,
    suggestions: [text],
  } = error;
  const value: Obstacle = {
    cause: code === 'generator-missing' ? 'tool-missing' : 'tool-failed',
    path,
    message: errorLine(error),
    ...(text === undefined ? {} : { fix: { kind: INSTALLABLE.has(code) ? 'command' : 'text', text } }),
  };
  return { subject: 'obstacle', value };
}

/** What the first suggestion installs the right program for. */
const INSTALLABLE = new Set(['generator-missing', 'generator-version']);
