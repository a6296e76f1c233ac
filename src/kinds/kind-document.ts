import { type Static, Type } from 'typebox';
import { formed, strictObject } from '../core/schema.ts';
import { LANGUAGE_IDS } from '../languages/all.ts';
import { Processes, Run, Settings, suiteKeys } from '../repository/workload-schema.ts';
import { Local } from './local-schema.ts';

/** How custom resources are named, as Kubernetes allows it; in `kind.yaml` and in the kit's `kit.yaml`. */
export const resourceNames = {
  type: (description: string) =>
    formed(/^[A-Z][A-Za-z0-9]{0,62}$/, 'a name in PascalCase, at most 63 characters', description),
  plural: (description: string) =>
    formed(/^[a-z][a-z0-9]{0,62}$/, 'lower-case letters and digits, at most 63', description),
};

const path = (description: string) => Type.String({ description, minLength: 1 });

/** `templates/kinds/<kind>/kind.yaml`: a kind is a folder, and this file says all that commands need to know of it. */
export const KindFile = strictObject(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Literal('primitive.kind/v1', { description: 'Version of this format.' }),
    kind: Type.String({
      description: 'The name of the folder.',
      title: 'lower-case letters and digits',
      pattern: '^[a-z][a-z0-9]{1,30}$',
    }),
    version: Type.Integer({
      description: 'Of the template; recorded in what is scaffolded from it.',
      minimum: 1,
    }),
    language: Type.Enum([...LANGUAGE_IDS, 'other'], {
      description: 'Language of primitives of this kind. Tests of another language are not run.',
    }),
    resource: Type.Optional(
      strictObject(
        {
          type: resourceNames.type('Name of the type, such as Domain.'),
          plural: resourceNames.plural('Name in the API, such as domains.'),
          shortName: Type.Optional(resourceNames.plural('Name for kubectl, such as dom.')),
        },
        'The custom resource that runs primitives of this kind; without it they have none.',
      ),
    ),
    shared: Type.Optional(
      Type.Array(path('Name of a folder.'), {
        description:
          'Folders below `shared/`, beside `kinds/`, whose files are written like those of `files/`.',
      }),
    ),
    names: strictObject(
      {
        pattern: Type.String({ description: 'Regular expression for the whole name.', minLength: 1 }),
        reserved: Type.Optional(
          Type.Enum(LANGUAGE_IDS, { description: 'Language whose keywords cannot be names.' }),
        ),
      },
      'Rules for names of primitives of this kind.',
    ),
    inputs: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9-]*$' }),
        strictObject({
          type: Type.Enum(['path', 'text', 'entity', 'primitive'], {
            description:
              'path: a file of the repository; text: free text; entity: a singular noun; primitive: another primitive.',
          }),
          match: Type.Optional(path('Pattern of allowed file names, or of KIND/NAME of a primitive.')),
          reserved: Type.Optional(
            Type.Array(Type.String(), { description: 'Reserved names of entities.', minItems: 1 }),
          ),
          required: Type.Optional(Type.Boolean({ description: 'Must be given.' })),
          optional: Type.Optional(
            Type.Boolean({
              description: 'Of a primitive: without it there is none, not the one of the same name.',
            }),
          ),
          help: Type.String({ description: 'For `--help` and for questions.', minLength: 1 }),
        }),
        { description: 'Inputs besides the name; each is a flag of scaffold.' },
      ),
    ),
    files: Type.Optional(
      Type.Array(
        strictObject({
          path: path('Pattern of files. The first pattern that matches decides the owner.'),
          owner: Type.Union([Type.Literal('impl'), Type.Literal('generated'), Type.Literal('config')], {
            description:
              'impl: written by a person; generated: written by a generator; config: written by a person and checked by verify.',
          }),
          by: Type.Optional(path('Id of the generator that writes it.')),
          required: Type.Optional(
            Type.Union([Type.Boolean(), Type.Literal('scaffold')], {
              description:
                'true: each primitive of this kind has it; scaffold: those that scaffold wrote, not code that became a primitive.',
            }),
          ),
        }),
        { description: 'Owners of the files.', minItems: 1 },
      ),
    ),
    generators: Type.Optional(
      Type.Array(
        strictObject({
          id: path('Named by `files[].by`.'),
          run: path('The program, or the built-in generator.'),
          version: path('Exact version of the program.'),
          reads: Type.Array(path('Pattern of files.'), { description: 'Its input.' }),
          writes: path(
            'Folder that has only its output; `[python]` in it is the package that pyproject.toml names.',
          ),
        }),
        { description: 'Generators.' },
      ),
    ),
    suites: Type.Optional(
      Type.Array(
        strictObject({
          ...suiteKeys,
          cases: Type.Optional(
            Type.Array(
              strictObject({
                id: path('As the runner reports it.'),
                state: Type.Union([Type.Literal('red'), Type.Literal('green')], {
                  description: 'State in a new scaffold.',
                }),
                with: Type.Optional(path('Input without which the case is not written.')),
                without: Type.Optional(path('Input with which the case is not written.')),
              }),
              { description: 'All cases that the scaffold writes.' },
            ),
          ),
        }),
        { description: 'How primitives of this kind are tested.' },
      ),
    ),
    api: Type.Optional(
      path('Template of the proto file that a scaffold serves, for others that call it or take its events.'),
    ),
    imports: Type.Optional(
      strictObject(
        {
          infra: Type.Optional(
            Type.Array(path('Pattern of files.'), {
              description: 'May import drivers and clients of services.',
            }),
          ),
        },
        'Rules for imports.',
      ),
    ),
    build: strictObject(
      {
        context: path("Relative to the primitive's folder, as all paths of this file."),
        dockerfile: path("Relative to the primitive's folder."),
        target: Type.Optional(path('Stage of the Dockerfile.')),
      },
      'Default build settings; primitive.yaml overrides them.',
    ),
    run: Type.Optional(Run),
    processes: Type.Optional(Processes),
    settings: Type.Optional(Settings),
    local: Type.Optional(Local),
  },
  'kind.yaml: a kind of primitive.',
);

export type KindFile = Static<typeof KindFile>;
