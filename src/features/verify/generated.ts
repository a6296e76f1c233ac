import { errorLine, PrimitiveError } from '../../core/errors.ts';
import type { VerifyDocument } from './document.ts';
import type { Fact, Obstacle, Primitive, Regenerated } from './subjects.ts';

/**
 * Runs the generators of a primitive into a temporary folder and compares; with `knownOnly` none that could start a
 * program of the repository. Throws as `primitive generate` does.
 */
export type Regenerate = (primitive: Primitive, knownOnly: boolean) => Promise<readonly Regenerated[]>;

type Unchecked = VerifyDocument['unchecked'][number];

/** Regenerates what primitives have of generated files, one after the other: generators share caches and tools. */
export async function regenerateAll(
  primitives: readonly Primitive[],
  regenerate: Regenerate,
  knownOnly: boolean,
): Promise<{ readonly facts: readonly Fact[]; readonly unchecked: readonly Unchecked[] }> {
  const facts: Fact[] = [];
  const unchecked: Unchecked[] = [];
  for (const primitive of primitives) {
    const { kind, manifest, path } = primitive;
    if (manifest === undefined || (kind?.generators ?? []).length === 0) continue;
    try {
      const results = await regenerate(primitive, knownOnly);
      facts.push({ subject: 'generated', value: { path, primitive, results, fault: undefined } });
    } catch (error) {
      if (!(error instanceof PrimitiveError) || (error.exit !== 2 && error.exit !== 3)) throw error;
      if (error.code === 'generator-foreign') {
        const why = `without suites nothing of the repository is started, and ${error.why}: ${error.suggestions[0]}`;
        unchecked.push({ what: `GEN of ${path}`, why });
      } else facts.push(error.exit === 3 ? obstacle(primitive, error) : fault(primitive, error));
    }
  }
  return { facts, unchecked };
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
