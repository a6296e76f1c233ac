import { PrimitiveError } from '../../core/errors.ts';
import type { ProgramOptions } from '../../core/process.ts';
import { builtInNames } from '../../kinds/generators/built-in.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import { explainSkipped, locate, type Search } from '../../toolchain/find.ts';

/** How each program is asked for its version, and made to write below another folder. */
const PROGRAMS: Readonly<
  Record<
    string,
    {
      readonly version: readonly string[];
      readonly args: (output: string) => readonly string[];
      readonly install: (version: string) => string;
    }
  >
> = {
  buf: {
    version: ['--version'],
    args: (output) => ['generate', '--output', output],
    install: (version) => `go install github.com/bufbuild/buf/cmd/buf@v${version}`,
  },
};

/** Throws `generator-unknown` (exit 2) for a program that no call is known of. */
export function checkKnown({ id, run }: Generator): void {
  if (Object.hasOwn(PROGRAMS, run)) return;
  throw new PrimitiveError('generator-unknown', `Generator program ${run} of ${id} is unknown.`, {
    why: `Known programs: ${[...Object.keys(PROGRAMS), ...builtInNames].join(', ')}`,
  });
}

/** A generator that is there in its version. */
export interface GeneratorProgram {
  /** Absolute. */
  readonly path: string;
  /** Arguments that generate below `output`. */
  readonly args: (output: string) => readonly string[];
}

/**
 * Finds the program of a generator and asks it for its version, with `options`.
 *
 * Throws `generator-unknown` (exit 2), `generator-missing`, `generator-version` (exit 3).
 */
export async function requireGenerator(
  generator: Generator,
  search: Search,
  options: ProgramOptions,
): Promise<GeneratorProgram> {
  const { id, run, version } = generator;
  checkKnown(generator);
  const known = PROGRAMS[run] as (typeof PROGRAMS)[string];
  const path = await locate(run, search);
  const install = { suggestions: [known.install(version)], exit: 3 } as const;
  if (path === undefined) {
    const passedOver = await explainSkipped([run], search);
    throw new PrimitiveError('generator-missing', `${run} not found`, {
      why: `the generator ${id} needs ${run} ${version} on PATH${passedOver.why}`,
      suggestions: [...install.suggestions, ...passedOver.suggestions],
      exit: 3,
    });
  }
  const probe = await search.processes.run(path, known.version, options);
  const found = /(?<!\d)\d+(?:\.\d+)+/.exec(`${Buffer.from(probe.stdout)}\n${probe.stderr}`)?.[0];
  if (found !== version) {
    throw new PrimitiveError(
      'generator-version',
      `${path} is ${found ?? 'of unknown version'}; ${version} is required.`,
      {
        why: `Another version of ${run} may generate different files.`,
        ...install,
      },
    );
  }
  return { path, args: known.args };
}
