import { PrimitiveError } from '../../core/errors.ts';
import type { Emit } from '../../core/events.ts';
import { findingText } from '../../core/finding.ts';
import { nearest } from '../../core/nearest.ts';
import { allKinds, type Kind, type Kinds, protoCopy } from '../../kinds/kind.ts';
import { isScaffolded } from '../../kinds/template.ts';
import type { Workspace } from '../../repository/config.ts';
import { readPrimitiveTexts } from '../../repository/primitive-folders.ts';
import { nameFault } from '../../repository/primitive-names.ts';
import { readPrimitives } from '../../repository/primitives.ts';
import { protoFile } from '../../repository/provenance.ts';
import { withDiffs } from './diffs.ts';
import type { ScaffoldDocument, ScaffoldUpdateDocument } from './document.ts';
import type { PastFiles } from './edited.ts';
import { executeScaffold } from './execute.ts';
import type { GivenInputs } from './inputs.ts';
import type { PackageFetcher } from './past-template.ts';
import { type ScaffoldPlan, WRITES } from './planned.ts';
import { prepareScaffold } from './prepare.ts';

export interface ScaffoldRequest {
  readonly kind: string | undefined;
  readonly name: string | undefined;
  readonly inputs: GivenInputs;
  /** Write files again that were deleted. */
  readonly restore: boolean;
  /** Take over what the template changed. */
  readonly update: boolean;
  /** Show what changes in each file. */
  readonly diff: boolean;
  readonly dryRun: boolean;
}

interface Question {
  readonly text: string;
  /** Why an answer cannot be used; undefined if it can. */
  readonly fault: (answer: string) => string | undefined;
}

export interface ScaffoldPorts {
  workspace(): Promise<Workspace>;
  kinds(): Promise<Kinds>;
  /** The repository at HEAD. */
  tree(): Promise<PastFiles>;
  /** Lends the bytes of a package that a template came from. */
  readonly withPackage: PackageFetcher;
  /** Base of relative paths in inputs; absolute, links resolved. */
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
  const { signal, emit } = ports;
  const [{ location, config }, kinds] = await Promise.all([ports.workspace(), ports.kinds()]);
  const named = await completeName(request, kinds, ports);
  const { inputs, restore, update, dryRun } = request;
  const { contents, warnings, ...prepared } = await prepareScaffold(
    { ...named, inputs, restore, update },
    { ...placeOf(ports), location, config, kinds },
  );
  const plan = request.diff ? await withDiffs(prepared.plan, contents, location) : prepared.plan;
  for (const warning of warnings) {
    emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
  }
  if (dryRun) return { ...plan, written: false };
  emit({ type: 'step', step: 'write', message: `Writing ${plan.path}` });
  await executeScaffold(plan, contents, { root: location.root, signal });
  if (!signal.aborted) await warnOfIgnored(plan, ports);
  return { ...plan, written: true };
}

/**
 * Updates every primitive that was scaffolded, one after the other, once all of them are planned; a dry run only plans.
 * Throws what {@link prepareScaffold} and {@link executeScaffold} throw.
 */
export async function runUpdateAll(
  { inputs, diff, dryRun }: Pick<ScaffoldRequest, 'inputs' | 'diff' | 'dryRun'>,
  ports: ScaffoldPorts,
): Promise<ScaffoldUpdateDocument> {
  const [input] = Object.keys(inputs);
  if (input !== undefined) {
    throw new PrimitiveError('input-unknown', `Flag --${input} is unknown.`, {
      why: '--all updates each primitive with its recorded inputs',
    });
  }
  const { signal, emit } = ports;
  const [{ location, config }, kinds] = await Promise.all([ports.workspace(), ports.kinds()]);
  const texts = await readPrimitiveTexts(location.root, '');
  const primitives = await readPrimitives(texts, { location, config, kinds, base: '' });
  const prepared: Awaited<ReturnType<typeof prepareScaffold>>[] = [];
  for (const { kind, name, manifest, fault } of primitives) {
    if (manifest === undefined && fault !== undefined) throw fault;
    if (manifest?.provenance === undefined) continue;
    const request = { kind, name, inputs: {}, restore: false, update: true };
    const { plan, ...rest } = await prepareScaffold(request, {
      ...placeOf(ports),
      location,
      config,
      kinds,
    });
    prepared.push({ ...rest, plan: diff ? await withDiffs(plan, rest.contents, location) : plan });
  }
  for (const { plan, contents, warnings } of prepared) {
    for (const warning of warnings)
      emit({ type: 'warning', code: warning.rule, message: findingText(warning) });
    if (dryRun) continue;
    emit({ type: 'step', step: 'write', message: `Writing ${plan.path}` });
    await executeScaffold(plan, contents, { root: location.root, signal });
  }
  const written = !dryRun;
  return {
    schema: 'primitive.scaffold-update/v1',
    primitives: prepared.map(({ plan }) => ({ ...plan, written })),
    next: followers(primitives, await allKinds(kinds), prepared),
    written,
  };
}

/** The command that brings changes of proto files to the primitives that have copies of them; none without any. */
function followers(
  primitives: Awaited<ReturnType<typeof readPrimitives>>,
  kinds: readonly Kind[],
  prepared: readonly { readonly plan: ScaffoldPlan }[],
): readonly string[] {
  const changed = new Set(
    prepared.flatMap(({ plan: { path, files } }) =>
      files.filter(({ action }) => WRITES.includes(action)).map((file) => `${path}/${file.path}`),
    ),
  );
  const sources = new Set(
    primitives.flatMap(({ id, manifest }) => {
      const proto = manifest && protoFile(id, manifest);
      return proto !== undefined && changed.has(proto) ? [id] : [];
    }),
  );
  const copying = new Set(kinds.flatMap((kind) => (protoCopy(kind) === undefined ? [] : [kind.kind])));
  const behind = primitives.filter(
    ({ kind, manifest }) => copying.has(kind) && sources.has(manifest?.provenance?.inputs.source ?? ''),
  );
  return behind.length === 0 ? [] : [`primitive generate ${behind.map(({ id }) => id).join(' ')}`];
}

function placeOf({ cwd, tree, withPackage, emit }: ScaffoldPorts) {
  const warn = (message: string) => emit({ type: 'warning', code: 'scaffold-base-missing', message });
  return { cwd, tree, withPackage, warn };
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
  const scaffolded = kinds.filter(isScaffolded);
  const line = ({ kind: id, language, inputs = {} }: Kind) =>
    `${id} (${[language, ...Object.keys(inputs).map((input) => `--${input}`)].join(', ')})`;
  return new PrimitiveError('missing-flag', `scaffold requires ${missing.join(' and ')}.`, {
    why: `Kinds: ${scaffolded.map(line).join('; ')}`,
    suggestions: [`primitive scaffold --kind ${kind ?? 'domain'} --name ${name ?? 'orders'}`],
  });
}

/** Files that git ignores are not committed, and images are built from commits. */
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
