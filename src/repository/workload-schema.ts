import { type Static, Type } from 'typebox';
import { strictObject } from '../core/schema.ts';
import { RUNNER_IDS } from '../languages/all.ts';

const path = (description: string) => Type.String({ description, minLength: 1 });

/** Keys of a suite, in `kind.yaml` and in `primitive.yaml`. */
export const suiteKeys = {
  id: path('Names the suite in reports.'),
  runner: Type.Enum(RUNNER_IDS, {
    description: 'The runner: of tests, or a compiler or linter.',
  }),
  args: Type.Array(Type.String(), {
    description: 'Of the runner: files and patterns of tests, and flags that choose among them.',
  }),
  env: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$', title: 'a name of a variable' }), {
      description: 'Variables that the suite is given besides the usual ones; never a credential.',
    }),
  ),
  required: Type.Optional(Type.Boolean({ description: 'Must have run for verify to pass.' })),
  needs: Type.Optional(
    Type.Array(Type.Union([Type.Literal('postgres'), Type.Literal('browser')]), {
      description: 'Services that must be there.',
    }),
  ),
};

/** The suites of one primitive. */
export const Suites = Type.Array(strictObject(suiteKeys), {
  description: 'How this primitive is tested, for a kind without suites.',
  minItems: 1,
});

/** How a container runs. */
export const Run = strictObject(
  {
    port: Type.Integer({ minimum: 1, maximum: 65535, description: 'That the container listens on.' }),
    live: path('HTTP path of the liveness probe.'),
    ready: path('HTTP path of the readiness probe.'),
    drainSeconds: Type.Integer({
      minimum: 0,
      description: 'Seconds from SIGTERM to the end, for work in flight.',
    }),
  },
  'How a container of this kind runs; absent if it serves nothing.',
);

/** A process of an image. */
export const Processes = Type.Record(
  Type.String({ pattern: '^[a-z][a-z0-9-]{0,19}$', title: 'lower-case letters, digits and hyphens' }),
  strictObject({
    args: Type.Optional(Type.Array(Type.String(), { description: 'Of the image, after its entry point.' })),
    once: Type.Optional(
      Type.Boolean({ description: 'Runs to its end before the others are started or changed.' }),
    ),
    ports: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9-]{0,14}$' }),
        Type.Integer({ minimum: 1, maximum: 65535 }),
        { description: 'Numbers by name; probes are asked on `http`.' },
      ),
    ),
  }),
  {
    description:
      'Processes of a deployed image, by name; `serve` is the one that others call, by the name of the component.',
  },
);

/** Variables that processes read. */
export const Settings = Type.Record(
  Type.String({ pattern: '^[A-Z][A-Z0-9_]*$', title: 'a name of a variable' }),
  strictObject({
    of: Type.Optional(
      Type.Array(path('Name of a process.'), {
        description: 'Processes that read it. Default: all.',
        minItems: 1,
      }),
    ),
    required: Type.Optional(Type.Boolean({ description: 'Has to be set.' })),
    secret: Type.Optional(Type.Boolean({ description: 'Is never written down.' })),
    file: Type.Optional(Type.Boolean({ description: 'May be the path of a file.' })),
    pattern: Type.Optional(
      Type.String({
        description:
          'Regular expression (RE2) for a whole value that is written down; another one is refused.',
        minLength: 1,
      }),
    ),
    postgres: Type.Optional(
      Type.Boolean({ description: 'Is the address of a Postgres database: previews have one.' }),
    ),
    help: Type.String({ description: 'Purpose of the variable.', minLength: 1 }),
  }),
  { description: 'Variables that have to be set, are secret, or name files.' },
);

/** How something is tested and deployed: of a kind, or of a primitive whose kind says nothing of it. */
export interface Workload {
  readonly suites?: Static<typeof Suites>;
  readonly run?: Static<typeof Run>;
  readonly processes?: Static<typeof Processes>;
  readonly settings?: Static<typeof Settings>;
}
