import { type Finding, refusal } from '../core/finding.ts';
import { matchesForeign } from '../core/foreign-pattern.ts';
import { nearest } from '../core/nearest.ts';

/** One input of a workflow. All values are texts, as GitHub passes them. */
export interface InputRule {
  readonly required?: boolean;
  /** `boolean` takes `true` and `false`; default: a text that `pattern` matches. */
  readonly type?: 'boolean';
  /** Absent if the input is required. */
  readonly default?: string;
  /** Regular expression for the whole value, anchored. */
  readonly pattern?: string;
  /** In characters. */
  readonly maxLength?: number;
  readonly help: string;
}

/**
 * `primitive.gitops-inputs/v1`: what a workflow of the GitOps kit takes, and what follows from it. The kit's generator
 * checks by the same file, so that a request that is accepted here is not refused there.
 *
 * Templates name inputs in braces: `scaffold/{kind}-{name}-{version}`.
 */
export interface InputsFile {
  readonly schema: 'primitive.gitops-inputs/v1';
  /** Template of the head branch of the pull request. */
  readonly branch: string;
  /** Template of the name of its run, with all inputs that are required. */
  readonly run: string;
  /** Files that the pull request adds, if known: templates of paths, with `when` only for that input. */
  readonly files?: readonly { readonly path: string; readonly when?: string }[];
  /** Paths that the pull request may change, if its files follow from the state of the repository; `*` is a name. */
  readonly changes?: readonly string[];
  /** Name of the step that opens the pull request. If a run that succeeds skips it, there was nothing to change. */
  readonly proposes?: string;
  /** The longest name that the chart is installed by; Helm takes 53 characters. */
  readonly release?: { readonly name: string; readonly maxLength: number };
  readonly inputs: Readonly<Record<string, InputRule>>;
}

/**
 * The given values with the defaults of the rest, in the order of the file. `choices` are the values that an input may
 * have besides its default, by its name, if the caller knows them. Throws `gitops-input-invalid` (exit 2), which
 * lists every fault.
 */
export function checkInputs(
  file: InputsFile,
  given: Readonly<Record<string, string>>,
  choices: Readonly<Record<string, readonly string[]>> = {},
): Readonly<Record<string, string>> {
  const values = Object.fromEntries(
    Object.entries(file.inputs).map(([name, rule]) => [
      name,
      Object.hasOwn(given, name) ? (given[name] ?? '') : (rule.default ?? ''),
    ]),
  );
  const findings = [
    ...Object.keys(given).flatMap((name) => unknownFault(file, name)),
    ...Object.entries(file.inputs).flatMap(([name, rule]) => valueFault(name, values[name] ?? '', rule)),
  ];
  if (findings.length === 0) {
    findings.push(...releaseFault(file, values));
    findings.push(
      ...Object.entries(choices).flatMap(([name, known]) => choiceFault(file, values, name, known)),
    );
  }
  if (findings.length > 0) throw refusal('gitops-input-invalid', undefined, findings);
  return values;
}

/** A template with its inputs filled in; the values have been checked. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}

/** The required inputs in the name of a run; undefined if it has another form. */
export function inputsIn(title: string, file: InputsFile): Readonly<Record<string, string>> | undefined {
  return runPattern(file).exec(title)?.groups;
}

/** Pattern of the names of runs: a group for each required input. */
export function runPattern({ run, inputs }: InputsFile): RegExp {
  const pattern = run
    .replace(/[[\].]/g, '\\$&')
    .replace(/\{(\w+)\}/g, (_, name: string) =>
      inputs[name]?.required ? `(?<${name}>${inputs[name].pattern?.slice(1, -1)})` : '[a-z0-9-]*',
    );
  return new RegExp(`^${pattern}$`);
}

/** Paths of the files that a request adds; the values have been checked. */
export function filesOf(
  { files = [] }: InputsFile,
  values: Readonly<Record<string, string>>,
): readonly string[] {
  const isGiven = (input: string) => values[input] !== '' && values[input] !== 'false';
  return files
    .filter(({ when }) => when === undefined || isGiven(when))
    .map(({ path }) => fillTemplate(path, values));
}

/** Paths of the files that requests of the same branch add, `*` for the value of an input that they may differ in. */
export function allowedFiles(
  { files = [], changes = [] }: InputsFile,
  values: Readonly<Record<string, string>>,
): readonly string[] {
  return [
    ...changes.map((path) => fillTemplate(path, values)),
    ...files.map(({ path, when }) =>
      fillTemplate(path, when === undefined ? values : { ...values, [when]: '*' }),
    ),
  ];
}

function unknownFault({ inputs }: InputsFile, name: string): readonly Finding[] {
  if (Object.hasOwn(inputs, name)) return [];
  const meant = nearest(name, Object.keys(inputs));
  const fix = meant === undefined ? `Inputs: ${Object.keys(inputs).join(', ')}.` : `Did you mean ${meant}?`;
  return [fault(`Input ${JSON.stringify(name)} is unknown.`, fix)];
}

function valueFault(name: string, value: string, rule: InputRule): readonly Finding[] {
  const { required = false, type, pattern, maxLength, help } = rule;
  if (required && value === '') return [fault(`Input ${name} is missing.`, `${help}.`)];
  const said = `Input ${name} ${JSON.stringify(value)} is invalid`;
  if (type === 'boolean' && value !== 'true' && value !== 'false')
    return [fault(`${said}: it takes true or false.`, `${help}.`)];
  if (maxLength !== undefined && value.length > maxLength)
    return [fault(`${said}: it has ${value.length} characters of at most ${maxLength}.`, `${help}.`)];
  if (pattern !== undefined && matchesForeign(pattern, value) !== true)
    return [fault(`${said}: it does not match ${pattern}.`, `${help}.`)];
  return [];
}

function choiceFault(
  { inputs }: InputsFile,
  values: Readonly<Record<string, string>>,
  name: string,
  known: readonly string[],
): readonly Finding[] {
  const value = values[name] ?? '';
  if (value === inputs[name]?.default || known.includes(value)) return [];
  const meant = nearest(value, known);
  const fix = meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean ${meant}?`;
  return [fault(`Input ${name} ${JSON.stringify(value)} is unknown.`, fix)];
}

function releaseFault({ release }: InputsFile, values: Readonly<Record<string, string>>): readonly Finding[] {
  if (release === undefined) return [];
  const name = fillTemplate(release.name, values);
  if (name.length <= release.maxLength) return [];
  return [
    fault(
      `Release name ${name} is too long: it has ${name.length} characters of at most ${release.maxLength}.`,
      'Choose a shorter name.',
    ),
  ];
}

function fault(message: string, fix: string): Finding {
  return { rule: 'gitops-input-invalid', level: 'error', message, fix };
}
