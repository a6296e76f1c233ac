import type { DispatchTrigger } from './repository.ts';

/** How old the API of the server is, by what a dispatch answers. */
export type Generation =
  /** Knows `X-GitHub-Api-Version: 2026-03-10`, with which a dispatch answers 200 and the run. */
  | '2026-03-10'
  /** Refuses that version; answers 200 and the run where the body has `return_run_details`. */
  | '2022-11-28'
  /** Refuses that version and that key; answers 204. GitHub Enterprise Server 3.20 and older. */
  | 'plain';

/** What a server refuses a dispatch with. */
export interface Refused {
  readonly status: 400 | 422;
  readonly message: string;
}

/**
 * Checks the body of `POST …/dispatches` as GitHub does (REST reference, "Create a workflow dispatch event": `ref` is
 * required, at most 25 inputs). The texts of keys and properties are those of GitHub's request validation.
 */
export function bodyFault(
  body: unknown,
  version: string | undefined,
  generation: Generation,
): Refused | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return { status: 400, message: 'Problems parsing JSON' };
  const fields = body as Record<string, unknown>;
  const permitted = ['ref', 'inputs'];
  if (generation !== 'plain' && version !== '2026-03-10') permitted.push('return_run_details');
  const extra = Object.keys(fields).filter((key) => !permitted.includes(key));
  // "return_run_details" on GitHub Enterprise Server: benc-uk/workflow-dispatch#86; 400: cli/cli, ActionsFeatures.
  if (extra.length > 0)
    return {
      status: 400,
      message: `Invalid request.\n\n${extra.map((key) => `"${key}"`).join(', ')} is not a permitted key.`,
    };
  if (typeof fields.ref !== 'string')
    return { status: 422, message: 'Invalid request.\n\n"ref" wasn\'t supplied.' };
  const { inputs = {} } = fields;
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs))
    return { status: 422, message: "Invalid request.\n\nFor 'properties/inputs', it is not an object." };
  const count = Object.keys(inputs).length;
  if (count > 25)
    return {
      status: 422,
      message: `Invalid request.\n\nNo more than 25 properties are allowed; ${count} were supplied.`,
    };
  return undefined;
}

/**
 * The inputs of a run: what was given, and the defaults of the rest. Texts of the faults: docs and threads of
 * workflow_dispatch ("Unexpected inputs provided", "Required input '…' not provided"), cli/cli#5246 (choices).
 */
export function resolveInputs(
  given: Readonly<Record<string, unknown>>,
  declared: DispatchTrigger,
): { readonly inputs: Readonly<Record<string, string>> } | Refused {
  const unexpected = Object.keys(given).filter((name) => !Object.hasOwn(declared, name));
  if (unexpected.length > 0)
    return { status: 422, message: `Unexpected inputs provided: ${JSON.stringify(unexpected)}` };
  const inputs: Record<string, string> = {};
  for (const [
    name,
    { type = 'string', required = false, default: preset = '', options = [] },
  ] of Object.entries(declared)) {
    const value = Object.hasOwn(given, name) ? String(given[name]) : String(preset);
    if (required && value === '') return { status: 422, message: `Required input '${name}' not provided` };
    if (type === 'choice' && Object.hasOwn(given, name) && !options.map(String).includes(value))
      return {
        status: 422,
        message: `Provided value '${value}' for input '${name}' not in the list of allowed values`,
      };
    if (type === 'boolean' && Object.hasOwn(given, name) && !/^(true|false)$/.test(value))
      return { status: 422, message: `Provided value '${value}' for input '${name}' is not a boolean` };
    inputs[name] = value;
  }
  return { inputs };
}

/** The title of a run: `run-name` with its expressions of the form `${{ inputs.NAME }}`, or the name of the workflow. */
export function titleOf(
  runName: string | undefined,
  inputs: Readonly<Record<string, string>>,
  name: string,
): string {
  return (runName ?? name).replace(
    /\$\{\{\s*(?:github\.event\.)?inputs\.([\w-]+)\s*\}\}/g,
    (_, input: string) => inputs[input] ?? '',
  );
}
