import { type Static, Type } from 'typebox';
import { strictObject } from '../core/schema.ts';
import { BuildArgs, BuildSecrets, Platforms } from './config-document.ts';
import { Processes, Run, Settings, Suites } from './workload-schema.ts';

const text = (description: string) => Type.String({ description, minLength: 1 });

const eventPath = (description: string) =>
  Type.String({ description, pattern: '^([a-z0-9]{1,20}|data(\\.[A-Za-z_][A-Za-z0-9_]*)+)$' });

/** `primitives/<kind>/<name>/primitive.yaml`: the primitive, and its differences from its kind. */
export const PrimitiveFile = strictObject(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Optional(Type.Literal('primitive.primitive/v1', { description: 'Version of this format.' })),
    kind: text('The name of the folder above.'),
    name: text('The name of the folder.'),
    template: Type.Optional(
      strictObject(
        {
          version: Type.Integer({ minimum: 1, description: 'Of the kind.' }),
          inputs: Type.Optional(
            Type.Record(Type.String(), Type.String(), {
              description: 'Inputs besides the name.',
            }),
          ),
          origins: Type.Optional(
            Type.String({
              description:
                'Packages that the template files came from, newest first: `NAME@VERSION INTEGRITY` in lines.',
            }),
          ),
          events: Type.Optional(
            Type.String({
              pattern: '^[0-9a-f]{64}$',
              description: 'SHA-256 of the events of its source that this was made for; `generate` moves it.',
            }),
          ),
          generators: Type.Optional(
            Type.Record(Type.String(), Type.String(), {
              description:
                'Version of each generator that writes the generated files; `scaffold --update` moves it.',
            }),
          ),
          omitted: Type.Optional(
            Type.String({
              description:
                'Template files of which this has nothing, in lines: its owner deleted, renamed or replaced the file.',
            }),
          ),
          sources: Type.Optional(
            Type.String({
              description:
                'Like `files`: SHA-256 of each template file that this has the changes of, by its path in the template.',
            }),
          ),
          files: Type.Optional(
            Type.Union([Type.String(), Type.Record(Type.String(), Type.String())], {
              description:
                'SHA-256 of each file as it was written, in lines as `sha256sum --check` reads them.',
            }),
          ),
          merged: Type.Optional(
            Type.String({
              description:
                'Like `files`: the text of the template at each merge by `scaffold --update`, oldest first.',
            }),
          ),
        },
        'Template that this was scaffolded from.',
      ),
    ),
    image: Type.Optional(text('Name of the image below the registry, instead of the one from the config.')),
    build: Type.Optional(
      strictObject(
        {
          context: Type.Optional(
            text(
              'Build context, relative to the folder of the config; `.` is all of it, for shared code. Default: the folder of this primitive.',
            ),
          ),
          dockerfile: Type.Optional(text("Relative to this primitive's folder.")),
          target: Type.Optional(text('Stage of the Dockerfile.')),
          inputs: Type.Optional(
            Type.Array(text('A glob; ! excludes: pkg/**, !**/*_test.go'), {
              description:
                'Files of the context that go into the image, relative to the context; the last pattern that matches decides. Default: all files; required if the context is more than this folder.',
              minItems: 1,
            }),
          ),
          platforms: Type.Optional(Platforms),
          args: Type.Optional(BuildArgs),
          secrets: Type.Optional(BuildSecrets),
        },
        'Build settings that override those of the kind and the config.',
      ),
    ),
    suites: Type.Optional(Suites),
    run: Type.Optional(Run),
    processes: Type.Optional(Processes),
    settings: Type.Optional(Settings),
    bpmn: Type.Optional(
      strictObject(
        {
          names: Type.Optional(
            Type.Record(Type.String(), Type.String({ pattern: '^[A-Z][A-Za-z0-9]*$' }), {
              description:
                'Go names of job types, messages and error codes whose own names are invalid or collide.',
            }),
          ),
          events: Type.Optional(
            Type.Record(
              Type.String(),
              strictObject({
                message: text('Name of a message of the model.'),
                correlation: Type.Optional(
                  eventPath(
                    'Path of the correlation key in the event: an attribute such as `subject`, or `data.order.id`. Omit it for a message that only starts processes.',
                  ),
                ),
                variables: Type.Optional(
                  Type.Record(Type.String(), eventPath('A path in the event.'), {
                    description: 'Variables of the message by name: their paths in the event.',
                  }),
                ),
              }),
              { description: 'Events of other services, by type, that become messages of the process.' },
            ),
          ),
          exclude: Type.Optional(
            Type.Array(text('A job type.'), { description: 'Job types that other workers do.' }),
          ),
        },
        'How code is generated from a BPMN model.',
      ),
    ),
    eject: Type.Optional(
      Type.Array(text('A path in this folder: `internal/platform/probe`.'), {
        description:
          'Generated files and folders of shared code that people own in this primitive: `generate` leaves them alone, `scaffold --update` merges them.',
      }),
    ),
    generators: Type.Optional(
      Type.Array(
        strictObject({
          id: text('Name of the step.'),
          run: text('Program.'),
          version: text('Its version.'),
          reads: Type.Array(text('A glob.')),
          writes: text('Folder.'),
        }),
        { description: 'Generators besides those of the kind.' },
      ),
    ),
  },
  'primitive.yaml: one primitive.',
);

export type PrimitiveFile = Static<typeof PrimitiveFile>;
