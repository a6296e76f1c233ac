import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { executeScaffold } from '../features/scaffold/execute.ts';
import { prepareScaffold } from '../features/scaffold/prepare.ts';
import { scaffoldText } from '../features/scaffold/view.ts';
import { bundledKinds, type Kind, type Kinds } from '../kinds/kind.ts';
import { nameFault } from '../kinds/names.ts';
import type { Outcome } from '../render/outcome.ts';
import type { Session } from './session.ts';

/** What the flags of `scaffold` come to. */
export interface ScaffoldFlags {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly inputs: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
}

/** Plans and writes one primitive; asks for what is missing where somebody can answer. */
export async function runScaffold(session: Session, flags: ScaffoldFlags): Promise<Outcome> {
  const { wiring, environment, signal } = session;
  const [{ location, config }, kinds] = await Promise.all([wiring.workspace(), wiring.kindLookup()]);
  const { kind, name } = await complete(session, flags);
  const { plan, contents } = await prepareScaffold(
    { kind, name, inputs: flags.inputs, cwd: environment.cwd },
    { location, config, kinds, bases: join(bundledKinds(), '..', 'bases.yaml') },
  );
  if (!flags.dryRun) await executeScaffold(plan, contents, { root: location.root, signal });
  const document = { ...plan, written: !flags.dryRun };
  const refused = plan.strangers.length > 0 || plan.files.some(({ fate }) => fate === 'conflict');
  const elsewhere = (await realpath(environment.cwd)) === location.root ? undefined : location.root;
  return { document, text: (style) => scaffoldText(document, style, elsewhere), exit: refused ? 2 : 0 };
}

/** Kind and name: as given, else as answered; without anybody to ask, an error that lists the choices. */
async function complete(
  session: Session,
  { kind, name }: ScaffoldFlags,
): Promise<{ readonly kind: string; readonly name: string }> {
  if (kind !== undefined && name !== undefined) return { kind, name };
  const kinds = await session.wiring.kinds();
  if (!session.environment.interactive) throw incomplete(kinds, kind, name);
  const { ask } = await import('./prompt.ts');
  const chosen =
    kind ??
    (await ask(session, {
      text: `Kind (${[...kinds.keys()].join(', ')})`,
      fault: (answer) => (kinds.has(answer) ? undefined : unknownKind(answer, kinds)),
    }));
  const rules = kinds.get(chosen)?.names;
  const fault = (answer: string) => {
    const found = rules && nameFault(answer, rules);
    return found && `${answer} ${found}`;
  };
  return { kind: chosen, name: name ?? (await ask(session, { text: 'Name, such as orders', fault })) };
}

function unknownKind(answer: string, kinds: Kinds): string {
  const meant = nearest(answer, kinds.keys());
  return `there is no kind ${answer}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function incomplete(kinds: Kinds, kind: string | undefined, name: string | undefined): PrimitiveError {
  const missing = [...(kind === undefined ? ['--kind'] : []), ...(name === undefined ? ['--name'] : [])];
  const line = ({ kind: id, language, inputs = {} }: Kind) =>
    `${id} (${language}${Object.keys(inputs)
      .map((input) => `, --${input}`)
      .join('')})`;
  return new PrimitiveError('missing-flag', `scaffold needs ${missing.join(' and ')}.`, {
    why: `kinds: ${[...kinds.values()].map(line).join('; ')}`,
    suggestions: [`primitive scaffold --kind ${kind ?? 'domain'} --name ${name ?? 'orders'}`],
  });
}
