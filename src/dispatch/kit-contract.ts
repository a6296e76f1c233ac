import { Type } from 'typebox';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { schemaFaults } from '../yaml/schema-faults.ts';
import type { GitHub } from './github.ts';
import type { InputsFile } from './inputs.ts';

/** Settings that a GitOps repository publishes, so that no code repository has to repeat them. */
export interface KitContract {
  /** With the branch and the paths of that repository; inputs and patterns are those of this program. */
  readonly file: InputsFile;
  /** Names of its lanes, in the order of promotion; undefined if it has no kit. */
  readonly lanes?: readonly string[];
  /** Kinds that may be wired; undefined as above. */
  readonly kinds?: readonly string[];
  /** The branch that is deployed; undefined as above. */
  readonly branch?: string;
  /** Its code repositories, `owner/name`; undefined as above, or if it is older. */
  readonly code?: readonly string[];
}

const FOLDER = '.github/primitive';
const Template = Type.String({ pattern: '^[A-Za-z0-9._{}/*-]{1,200}$' });

/** The part of `inputs.json` and `moves.json` that is theirs. */
const Paths = Type.Object({
  branch: Template,
  files: Type.Optional(
    Type.Array(Type.Object({ path: Template, when: Type.Optional(Type.String()) }), { maxItems: 100 }),
  ),
  changes: Type.Optional(Type.Array(Template, { maxItems: 100 })),
});

/** The part of `kit.json` that is read here. */
const Settings = Type.Object({
  kit: Type.Object({
    branch: Type.String({ minLength: 1 }),
    kinds: Type.Array(Type.String(), { minItems: 1 }),
    lanes: Type.Array(Type.Object({ name: Type.String({ minLength: 1 }) }), { minItems: 1 }),
  }),
  components: Type.Optional(
    Type.Object({ code: Type.Optional(Type.Array(Type.Object({ repository: Type.String() }))) }),
  ),
});

/**
 * Reads kit and contract of a GitOps repository through the API, at `ref` or its default branch. What it does not have is as
 * this program has it.
 *
 * Throws `gitops-contract-invalid` (exit 2), and what {@link GitHub} throws.
 */
export async function readContract(
  github: GitHub,
  ref: string | undefined,
  contract: string,
  own: InputsFile,
): Promise<KitContract> {
  const at = ref ?? (await github.repository())?.defaultBranch;
  if (at === undefined) return { file: own };
  const [kitText, text] = await Promise.all(
    ['kit.json', contract].map((name) => github.file(`${FOLDER}/${name}`, at)),
  );
  const paths = text === undefined ? undefined : parsed(text, Paths, contract, github.address);
  const settings = kitText === undefined ? undefined : parsed(kitText, Settings, 'kit.json', github.address);
  return {
    file: paths === undefined ? own : { ...own, ...pathsOf(paths, own) },
    ...(settings === undefined ? {} : settingsOf(settings)),
  };
}

function pathsOf(
  { branch, files, changes }: Type.Static<typeof Paths>,
  own: InputsFile,
): Pick<InputsFile, 'branch' | 'files' | 'changes'> {
  return {
    branch,
    // Which of the two a contract has decides how its pull request is judged; that is not theirs to choose.
    ...(own.files === undefined || files === undefined
      ? {}
      : { files: files.map(({ path, when }) => (when === undefined ? { path } : { path, when })) }),
    ...(own.changes === undefined || changes === undefined ? {} : { changes }),
  };
}

function settingsOf({ kit: { branch, kinds, lanes }, components }: Type.Static<typeof Settings>) {
  const code = components?.code?.map(({ repository }) => repository);
  return { branch, kinds, lanes: lanes.map(({ name }) => name), ...optional('code', code) };
}

function parsed<S extends Type.TSchema>(
  text: string,
  schema: S,
  name: string,
  address: string,
): Type.Static<S> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw invalid(name, address, 'it is not JSON');
  }
  const [fault] = schemaFaults(schema, data);
  if (fault !== undefined) throw invalid(name, address, fault.message);
  return data as Type.Static<S>;
}

function invalid(name: string, address: string, why: string): PrimitiveError {
  return new PrimitiveError('gitops-contract-invalid', `Cannot read ${FOLDER}/${name} of ${address}.`, {
    why,
    suggestions: ['In that repository: primitive gitops init --update', 'Or take it from its history.'],
  });
}
