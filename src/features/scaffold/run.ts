import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { findingText } from '../../core/finding.ts';
import { nearest } from '../../core/nearest.ts';
import { allKinds, type Kind, type Kinds } from '../../kinds/kind.ts';
import type { Config } from '../../repository/config.ts';
import type { ConfigLocation } from '../../repository/discovery.ts';
import { nameFault } from '../../repository/primitive-names.ts';
import type { ScaffoldDocument } from './document.ts';
import { executeScaffold } from './execute.ts';
import type { GivenInputs } from './inputs.ts';
import type { ScaffoldPlan } from './plan.ts';
import { prepareScaffold } from './prepare.ts';

/** What is to be scaffolded. */
export interface ScaffoldRequest {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly inputs: GivenInputs;
  /** Write files again that were deleted. */
  readonly restore: boolean;
  readonly dryRun: boolean;
}

/** A question to the user. */
export interface Question {
  readonly text: string;
  /** Why an answer cannot be used; undefined where it can. */
  readonly fault: (answer: string) => string | undefined;
}

/** What scaffold works with. */
export interface ScaffoldPorts {
  workspace(): Promise<{ readonly location: ConfigLocation; readonly config: Config }>;
  kinds(): Promise<Kinds>;
  /** Where paths in inputs start; absolute, links resolved. */
  readonly cwd: string;
  /** Absent without a terminal to ask on. */
  readonly ask?: (question: Question) => Promise<string>;
  /** The files of a folder that git ignores; both relative to the folder of the config. */
  ignored(folder: string): Promise<readonly string[]>;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Plans one primitive and writes it, all of it or nothing; a dry run only plans. Asks for kind and name on a
 * terminal.
 *
 * Throws `missing-flag` (exit 2), and what {@link prepareScaffold} and {@link executeScaffold} throw.
 */
export async function runScaffold(request: ScaffoldRequest, ports: ScaffoldPorts): Promise<ScaffoldDocument> {
  const { cwd, signal, emit } = ports;
  const [{ location, config }, kinds] = await Promise.all([ports.workspace(), ports.kinds()]);
  const named = await completeName(request, kinds, ports);
  const { inputs, restore, dryRun } = request;
  const { plan, contents, warnings } = await prepareScaffold(
    { ...named, inputs, restore },
    { location, config, kinds, cwd },
  );
  for (const warning of warnings) {
    emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
  }
  if (dryRun) return { ...plan, written: false };
  emit({ type: 'step', step: 'write', message: `Writing ${plan.path}` });
  await executeScaffold(plan, contents, { root: location.root, signal });
  if (!signal.aborted) await warnOfIgnored(plan, ports);
  return { ...plan, written: true };
}

/** Kind and name: as given, else as answered; without a terminal, an error that lists the choices. */
async function completeName(
  { kind, name }: ScaffoldRequest,
  kinds: Kinds,
  { ask }: Pick<ScaffoldPorts, 'ask'>,
): Promise<{ readonly kind: string; readonly name: string }> {
  if (kind !== undefined && name !== undefined) return { kind, name };
  if (ask === undefined) throw incomplete(await allKinds(kinds), kind, name);
  const kindFault = (answer: string) =>
    kinds.names.includes(answer) ? undefined : unknownKind(answer, kinds);
  const chosen = kind ?? (await ask({ text: `Kind (${kinds.names.join(', ')})`, fault: kindFault }));
  const rules = (await kinds.get(chosen))?.names;
  const fault = (answer: string) => {
    const found = rules && nameFault(answer, rules);
    return found && `${answer} ${found}`;
  };
  return { kind: chosen, name: name ?? (await ask({ text: 'Name, such as orders', fault })) };
}

function unknownKind(answer: string, kinds: Kinds): string {
  const meant = nearest(answer, kinds.names);
  return `kind ${answer} is unknown${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function incomplete(
  kinds: readonly Kind[],
  kind: string | undefined,
  name: string | undefined,
): PrimitiveError {
  const missing = [...(kind === undefined ? ['--kind'] : []), ...(name === undefined ? ['--name'] : [])];
  const line = ({ kind: id, language, inputs = {} }: Kind) =>
    `${id} (${[language, ...Object.keys(inputs).map((input) => `--${input}`)].join(', ')})`;
  return new PrimitiveError('missing-flag', `scaffold needs ${missing.join(' and ')}.`, {
    why: `kinds: ${kinds.map(line).join('; ')}`,
    suggestions: [`primitive scaffold --kind ${kind ?? 'domain'} --name ${name ?? 'orders'}`],
  });
}

/** What git ignores is not committed, and images are built from commits. */
async function warnOfIgnored({ path, files }: ScaffoldPlan, { ignored, emit }: ScaffoldPorts): Promise<void> {
  const all = new Set(await ignored(path));
  const found = files.map((file) => `${path}/${file.path}`).filter((file) => all.has(file));
  if (found.length === 0) return;
  const shown = found.length === files.length ? path : found.slice(0, 10).join(', ');
  emit({
    type: 'warning',
    code: 'scaffold-ignored',
    message: `Git ignores ${shown}: it would be missing from commits and images. Correct .gitignore.`,
  });
}
