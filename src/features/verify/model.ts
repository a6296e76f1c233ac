import { posix } from 'node:path';
import type { Finding } from '../../core/finding.ts';
import type { CompiledModel } from '../../kinds/generators/bpmn/compile.ts';
import type { HandlerCode } from './handlers.ts';
import type { Fact, Primitive, Problem, Rule, RuleId } from './rule.ts';
import type { WorkTree } from './work-tree.ts';

/** The process model of a primitive, and the code that does its jobs. */
export interface ModelSubject {
  /** The BPMN file, relative to the root of the repository. */
  readonly path: string;
  readonly primitive: Primitive;
  /** Undefined where it has faults. */
  readonly model: Pick<CompiledModel, 'jobs'> | undefined;
  /** Its faults, by the codes of the compiler. */
  readonly faults: readonly Finding[];
  /** Methods of the packages that implement the generated interface. */
  readonly handlers: readonly (Extract<HandlerCode, { type: 'method' }> & { readonly path: string })[];
}

/** Reads the models of primitives whose kind compiles BPMN; `scanned` has what their Go files say of handlers. */
export async function readModels(
  primitives: readonly Primitive[],
  scanned: readonly Fact[],
  tree: WorkTree,
): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  for (const primitive of primitives) {
    for (const file of modelsOf(primitive)) {
      const path = posix.join(primitive.path, file);
      const bytes = await tree.read(path);
      if (bytes === undefined) continue;
      const { readBpmn } = await import('../../kinds/generators/bpmn/compile.ts');
      const read = await readBpmn(bytes, path);
      const model = 'model' in read ? read.model : undefined;
      const faults = 'model' in read ? [] : read.findings;
      facts.push({
        subject: 'model',
        value: { path, primitive, model, faults, handlers: handlersOf(primitive, scanned) },
      });
    }
  }
  return facts;
}

function modelsOf({ kind }: Primitive): readonly string[] {
  return (kind?.generators ?? [])
    .filter(({ run }) => run === 'bpmn')
    .flatMap(({ reads }) => reads.filter((path) => path.endsWith('.bpmn')));
}

function handlersOf({ id }: Primitive, scanned: readonly Fact[]): ModelSubject['handlers'] {
  const code = scanned.flatMap((fact) =>
    fact.subject === 'handlerCode' && fact.value.primitive?.id === id ? [fact.value] : [],
  );
  const packages = new Set(
    code.filter(({ type }) => type === 'interface').map(({ path }) => posix.dirname(path)),
  );
  return code.flatMap((one) => (one.type === 'method' && packages.has(posix.dirname(one.path)) ? [one] : []));
}

/** The rule that reports faults of the compiler whose code matches. */
export function modelRule(id: RuleId, title: string, matches: (code: string) => boolean): Rule<'model'> {
  return {
    id,
    level: 'error',
    title,
    subject: 'model',
    check: ({ faults }) =>
      faults
        .filter(({ rule }) => matches(rule))
        .map(
          ({ message, line, column, fix }): Problem => ({
            message: `${message}.`,
            ...(line === undefined ? {} : { line }),
            ...(column === undefined ? {} : { column }),
            ...(fix === undefined ? {} : { fix: { kind: 'text', text: fix } }),
          }),
        ),
  };
}

/** Codes that have a rule of their own. */
export const MESSAGE_CODES = /^bpmn-(?:message|correlation)-/;
export const ID_CODES = /^bpmn-(?:id-|reference$)/;
export const UNKNOWN_CODES = /^bpmn-(?:element|attribute)-unknown$/;
