import { type Static, Type } from 'typebox';
import { strictObject } from '../core/schema.ts';
import { BuildArgs, BuildSecrets, Platforms } from './config-document.ts';

const text = (description: string) => Type.String({ description, minLength: 1 });

/** `primitives/<kind>/<name>/primitive.yaml`: what the primitive is, and where it differs from its kind. */
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
              description: 'What was asked for besides the name.',
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
                'As `files`: what the template made of an edited file each time that `scaffold --update` merged it, oldest first.',
            }),
          ),
        },
        'What this was scaffolded from.',
      ),
    ),
    image: Type.Optional(
      text('Name of the image below the registry, instead of the one that the config makes.'),
    ),
    build: Type.Optional(
      strictObject(
        {
          context: Type.Optional(
            text(
              "Folder that the builder sees, relative to the config's folder; `.` is the whole of it, for shared code. This primitive's folder by default.",
            ),
          ),
          dockerfile: Type.Optional(text("Relative to this primitive's folder.")),
          target: Type.Optional(text('Stage of the Dockerfile.')),
          inputs: Type.Optional(
            Type.Array(text('A glob, or one after ! to take away: pkg/**, !**/*_test.go'), {
              description:
                'Files of the context that go into the image, relative to the context; the last pattern that matches decides. All by default; required where the context is more than this folder.',
              minItems: 1,
            }),
          ),
          platforms: Type.Optional(Platforms),
          args: Type.Optional(BuildArgs),
          secrets: Type.Optional(BuildSecrets),
        },
        'Where the build differs from that of the kind and of the config.',
      ),
    ),
    bpmn: Type.Optional(
      strictObject(
        {
          names: Type.Optional(
            Type.Record(Type.String(), Type.String({ pattern: '^[A-Z][A-Za-z0-9]*$' }), {
              description:
                'What a job type, message or error code is called in Go, where its own name makes none or that of another.',
            }),
          ),
          exclude: Type.Optional(
            Type.Array(text('A job type.'), { description: 'Job types that other workers do.' }),
          ),
        },
        'How code is made of a BPMN model.',
      ),
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
