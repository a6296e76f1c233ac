import { errorLine, PrimitiveError } from '../../core/errors.ts';
import type { Processes } from '../../core/process.ts';
import { builtIn, recordedGenerators } from '../../kinds/generators/built-in.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import { languageOfRunner, suiteToolkitOf } from '../../languages/all.ts';
import { lockFileOf, unreadLock } from '../../languages/package-manager.ts';
import { pathBelow } from '../../repository/discovery.ts';
import { findProgram } from '../../toolchain/find.ts';
import type { SkippedFolder } from '../../toolchain/folders.ts';
import type { ProgramName } from '../../toolchain/programs.ts';
import type { OpenPorts } from './open.ts';
import { readPrimitives } from './primitives.ts';
import type { Primitive } from './subjects.ts';

/** Ports for finding the programs of `verify`. */
export interface ToolPorts
  extends Pick<OpenPorts, 'workspace' | 'kinds' | 'workTree' | 'platform' | 'signal'> {
  readonly variables: { readonly PATH?: string | undefined };
  readonly programs: { readonly skipped: readonly SkippedFolder[] };
  /** Starts programs from outside of the repository. */
  repositoryProcesses(tools: 'elsewhere'): Promise<Processes>;
  /** Throws if the program of a generator is missing or of another version than `kind.yaml` pins. */
  checkGenerator(generator: Generator): Promise<void>;
}

/** The programs that `verify` starts for the primitives of this repository. */
export interface VerifyTools {
  /** Those in the right version, sorted: `buf 1.60.0`, `go 1.26.0`. */
  readonly found: readonly string[];
  /** Why each other one cannot be used. */
  readonly problems: readonly PrimitiveError[];
}

/** Finds the toolchains of all suites and the generators of all kinds that are used, and asks each for its version. */
export async function findTools(ports: ToolPorts): Promise<VerifyTools> {
  const [{ location, config }, kinds, tree] = await Promise.all([
    ports.workspace(),
    ports.kinds(),
    ports.workTree(),
  ]);
  const base = pathBelow(tree.root, location.root) ?? '';
  const primitives = await readPrimitives(tree, { location, config, kinds, base });
  const toolchains = new Set<ProgramName>();
  const unread: PrimitiveError[] = [];
  for (const primitive of primitives) {
    const [suite] = primitive.kind?.suites ?? [];
    if (suite === undefined) continue;
    const lock = await lockFileOf(primitive, await suiteToolkitOf(languageOfRunner(suite.runner)), tree);
    toolchains.add(lock.manager.program);
    const why = unreadLock(lock);
    if (why !== undefined) unread.push(untested(primitive, why));
  }
  const asked = await Promise.all([
    ...[...toolchains].map((name) => toolchain(name, ports)),
    ...generatorsOf(primitives).map((generator) => generatorTool(generator, ports)),
  ]);
  return {
    found: asked.filter((one) => typeof one === 'string').sort(),
    problems: [...unread, ...asked.filter((one) => typeof one !== 'string')].sort((a, b) =>
      errorLine(a) < errorLine(b) ? -1 : 1,
    ),
  };
}

function untested({ path }: Primitive, why: string): PrimitiveError {
  return new PrimitiveError('lock-unread', `verify cannot run the suites of ${path}`, {
    why,
    suggestions: ['Lock its dependencies with npm, uv or pip as well.'],
  });
}

async function toolchain(name: ProgramName, ports: ToolPorts): Promise<string | PrimitiveError> {
  const { platform, signal, variables, programs } = ports;
  // Suites also find those of the repository, which nothing but suites may start.
  const processes = await ports.repositoryProcesses('elsewhere');
  const { skipped } = programs;
  const result = await findProgram(name, { path: variables.PATH, skipped, platform, processes, signal });
  return result.ok ? `${name} ${result.program.version}` : result.problem;
}

async function generatorTool(generator: Generator, ports: ToolPorts): Promise<string | PrimitiveError> {
  try {
    await ports.checkGenerator(generator);
    return `${generator.run} ${generator.version}`;
  } catch (error) {
    if (error instanceof PrimitiveError && error.code !== 'interrupted') return error;
    throw error;
  }
}

/** One for each program and version that primitives record; those that are part of this package need none. */
function generatorsOf(primitives: readonly Primitive[]): readonly Generator[] {
  const all = primitives.flatMap(({ kind, manifest }) =>
    recordedGenerators(kind?.generators, manifest?.provenance?.generators),
  );
  const external = all.filter((generator) => builtIn(generator) === undefined);
  return [...new Map(external.map((one) => [`${one.run} ${one.version}`, one])).values()];
}
