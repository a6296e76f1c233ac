import { errorLine, PrimitiveError } from '../../core/errors.ts';
import { recordedGenerators } from '../../kinds/generators/built-in.ts';
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
    const { fact, left } = await regenerateOne(primitive, regenerate, knownOnly);
    if (fact !== undefined) facts.push(fact);
    if (left !== undefined) unchecked.push({ what: `GEN of ${primitive.path}`, why: left });
  }
  return { facts, unchecked };
}

/** Output of its generators, or the reason why it is not compared, as half a sentence. */
async function regenerateOne(
  primitive: Primitive,
  regenerate: Regenerate,
  knownOnly: boolean,
): Promise<{ readonly fact?: Fact; readonly left?: string }> {
  const { kind, manifest, path } = primitive;
  const generators = recordedGenerators(kind?.generators, manifest?.provenance?.generators);
  if (manifest === undefined || generators.length === 0) return {};
  const withoutConfig = lacksBufConfig(primitive);
  if (withoutConfig !== undefined) return withoutConfig === '' ? {} : { left: withoutConfig };
  try {
    const results = await regenerate(primitive, knownOnly);
    return { fact: { subject: 'generated', value: { path, primitive, results, fault: undefined } } };
  } catch (error) {
    if (!(error instanceof PrimitiveError) || (error.exit !== 2 && error.exit !== 3)) throw error;
    if (error.code === 'generator-foreign') {
      const left = `without suites no program of the repository is started, and ${error.why}: ${error.suggestions[0]}`;
      return { left };
    }
    return { fact: error.exit === 3 ? generatorObstacle(primitive, error) : fault(primitive, error) };
  }
}

/**
 * Of code that became a primitive and has no settings of buf: '' where it has no generated files either, else why they are
 * not compared. Undefined where generators can run.
 */
function lacksBufConfig({ kind, manifest, files }: Primitive): string | undefined {
  const generators = recordedGenerators(kind?.generators, manifest?.provenance?.generators);
  const isBuf = generators.length > 0 && generators.every(({ run }) => run === 'buf');
  if (!isBuf || manifest?.provenance !== undefined || files.includes('buf.gen.yaml')) return undefined;
  const isGenerated = files.some((file) => generators.some(({ writes }) => file.startsWith(`${writes}/`)));
  return isGenerated ? 'it has no buf.gen.yaml' : '';
}

function fault(primitive: Primitive, error: PrimitiveError): Fact {
  const { code } = error;
  return {
    subject: 'generated',
    value: { path: primitive.path, primitive, results: [], fault: { code, message: errorLine(error) } },
  };
}

/** A generator that is missing, of another version, or failed. */
export function generatorObstacle({ path }: Primitive, error: PrimitiveError): Fact {
  const {
    code,
    suggestions: [text],
  } = error;
  const value: Obstacle = {
    cause: code === 'generator-missing' ? 'tool-missing' : 'tool-failed',
    path,
    message: errorLine(error),
    family: 'GEN',
    ...(text === undefined ? {} : { fix: { kind: INSTALLABLE.has(code) ? 'command' : 'text', text } }),
  };
  return { subject: 'obstacle', value };
}

/** Codes whose first suggestion installs the right program. */
const INSTALLABLE = new Set(['generator-missing', 'generator-version']);
