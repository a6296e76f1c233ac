import { posix } from 'node:path';
import { optional } from '../../core/object.ts';
import { modelFiles } from '../../kinds/kind.ts';
import type { RuleId } from './family.ts';
import type { Problem, Rule } from './rule.ts';
import type { Fact, ModelSubject, Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** Reads the models of primitives whose kind compiles BPMN; `scanned` has what their Go files say of handlers. */
export async function readModels(
  primitives: readonly Primitive[],
  scanned: readonly Fact[],
  tree: WorkTree,
): Promise<readonly Fact[]> {
  const facts: Fact[] = [];
  for (const primitive of primitives) {
    for (const file of modelFiles(primitive.kind ?? {})) {
      const path = posix.join(primitive.path, file);
      const bytes = await tree.read(path);
      if (bytes === undefined) continue;
      const { readBpmn } = await import('../../kinds/generators/bpmn/compile.ts');
      const read = await readBpmn(bytes, path, primitive.manifest?.bpmn);
      const model = 'model' in read ? read.model : undefined;
      const faults = 'model' in read ? read.model.warnings : read.findings;
      facts.push({
        subject: 'model',
        value: { path, primitive, model, faults, handlers: handlersOf(primitive, scanned) },
      });
    }
  }
  return facts;
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

/** The rule that reports findings of the compiler of its own level whose code matches. */
export function modelRule(
  id: RuleId,
  title: string,
  matches: (code: string) => boolean,
  level: 'error' | 'warning' = 'error',
): Rule<'model'> {
  return {
    id,
    level,
    title,
    subject: 'model',
    ...(level === 'error' ? { blocks: true } : {}),
    check: ({ faults }) =>
      faults
        .filter((fault) => fault.level === level && matches(fault.rule))
        .map(
          ({ message, line, column, fix }): Problem => ({
            message: `${message}.`,
            ...optional('line', line),
            ...optional('column', column),
            ...(fix === undefined ? {} : { fix: { kind: 'text', text: fix } }),
          }),
        ),
  };
}

/** Codes of errors that have a rule of their own. */
export const MESSAGE_CODES = /^bpmn-(?:message|correlation)-/;
export const ID_CODES = /^bpmn-(?:id-|reference$)/;
export const UNKNOWN_CODES = /^bpmn-(?:element|attribute)-unknown$/;
