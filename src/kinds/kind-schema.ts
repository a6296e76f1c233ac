import { type Static, Type } from 'typebox';
import { closed } from '../workspace/closed.ts';

const path = (description: string) => Type.String({ description, minLength: 1 });

/** `templates/kinds/<kind>/kind.yaml`: a kind is a folder, and this file says all that commands need to know of it. */
export const KindFile = closed(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    schema: Type.Literal('primitive.kind/v1', { description: 'Version of this format.' }),
    kind: Type.String({
      description: 'The name of the folder.',
      title: 'lower-case letters and digits',
      pattern: '^[a-z][a-z0-9]{1,30}$',
    }),
    version: Type.Integer({
      description: 'Of the template; stands in what is scaffolded from it.',
      minimum: 1,
    }),
    language: Type.Union([Type.Literal('go'), Type.Literal('python'), Type.Literal('ts')], {
      description: 'What primitives of this kind are written in.',
    }),
    names: closed(
      {
        pattern: Type.String({ description: 'Regular expression for the whole name.', minLength: 1 }),
        reserved: Type.Optional(
          Type.Union([Type.Literal('go'), Type.Literal('python'), Type.Literal('ts')], {
            description: 'Language whose keywords are no names.',
          }),
        ),
      },
      'What primitives of this kind may be called.',
    ),
    build: closed(
      {
        context: path("Relative to the primitive's folder, as all paths of this file."),
        dockerfile: path("Relative to the primitive's folder."),
        target: Type.Optional(path('Stage of the Dockerfile.')),
      },
      'How images are built unless primitive.yaml says otherwise.',
    ),
    run: closed(
      {
        port: Type.Integer({ minimum: 1, maximum: 65535, description: 'That the container listens on.' }),
        live: path('HTTP path of the liveness probe.'),
        ready: path('HTTP path of the readiness probe.'),
        drainSeconds: Type.Integer({
          minimum: 0,
          description: 'From SIGTERM to the end, for work in flight.',
        }),
      },
      'What a container of this kind does when it runs.',
    ),
  },
  'A kind of primitive.',
);

export type KindFile = Static<typeof KindFile>;
