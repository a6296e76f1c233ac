import { mkdir, mkdtemp, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestOf } from '../../core/digest.ts';
import { diskFull, PrimitiveError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import type { Processes } from '../../core/process.ts';
import { builtIn, recordedGenerators } from '../../kinds/generators/built-in.ts';
import { ejectedFiles } from '../../kinds/generators/eject.ts';
import type { Generator, GeneratorInput } from '../../kinds/generators/generator.ts';
import { inPrimitive } from '../../kinds/generators/platform.ts';
import { explained, isMissing } from '../../repository/file-errors.ts';
import { stagingOf } from '../../repository/primitive-folders.ts';
import { lookBelow } from '../../repository/safe-path.ts';
import { applyChanges, type FileChange } from '../../repository/transaction.ts';
import type { SkippedFolder } from '../../toolchain/folders.ts';
import type { GenerateDocument } from './document.ts';
import { KNOWN_ENVIRONMENT, knownTemplate } from './known-plugins.ts';
import type { OnDisk } from './on-disk.ts';
import { checkKnown, requireGenerator } from './programs.ts';

/** One generator of one primitive; no changes if all is as generated. */
export type Generated = GenerateDocument['generated'][number];

/** A difference between the output of a generator and the files on disk; `digest` is absent for a file that it no longer makes. */
export type GeneratedChange = Generated['changes'][number];

/** Ports of a generator run. */
export interface GeneratorContext {
  /** The folder of the config. */
  readonly root: string;
  readonly processes: Processes;
  /** PATH, and the system that it is of. */
  readonly path: string | undefined;
  readonly platform: NodeJS.Platform;
  /** Folders that were left out of PATH. */
  readonly skipped?: readonly SkippedFolder[];
  readonly signal: AbortSignal;
  /** Compare only: in a temporary folder, not in the work tree. */
  readonly check: boolean;
  /** Files of the primitive that count as there, below its folder: git ignores all others. Without it, all that are on disk. */
  readonly listed?: ReadonlySet<string>;
  /** For temporary files; absolute. */
  readonly temporary: string;
  /** Start only programs that the repository cannot fill; others are `generator-foreign`. */
  readonly knownOnly?: boolean;
  /** Takes what is worth a warning in the files that are read. */
  readonly warn: (finding: Finding) => void;
}

/**
 * Runs the generators of one primitive, each into its own folder; if one fails, nothing is changed.
 *
 * A generator owns the folder that it writes to: files that it no longer makes are removed. Throws
 * `eject-invalid`, `generator-unknown`, `generator-foreign`, `generator-input`, `generator-output`, `bpmn-…`, (exit 2),
 * `generator-missing`, `generator-version`, `generator-failed` (exit 3), and what {@link applyChanges} throws.
 */
export async function generate(
  { template, kind, name, path, manifest }: OnDisk,
  context: GeneratorContext,
): Promise<readonly Generated[]> {
  const target = join(context.root, path);
  const what = `generate in ${path}`;
  const recorded = recordedGenerators(template.generators, manifest?.provenance?.generators);
  if (recorded.length === 0) return [];
  try {
    const shared = { shown: `${path}/`, read: (file: string) => readInput(target, file, `${path}/`) };
    const generators = await Promise.all(recorded.map((one) => inPrimitive(one, shared)));
    const isEjected = ejectedFiles(manifest?.eject, generators, `${path}/`);
    const folder = await mkdtemp(join(context.temporary, 'primitive-generate-'));
    try {
      const results: Generated[] = [];
      const changes: FileChange[] = [];
      for (const generator of generators) {
        await checkOutput(target, generator, path);
        const output = join(folder, generator.id);
        await mkdir(output);
        const place = { target, shown: `${path}/`, output, context };
        const source = { shown: place.shown, bpmn: manifest?.bpmn };
        if (!(await runBuiltIn(generator, source, place))) await runGenerator(generator, place);
        const before = await statesBelow(target, generator.writes, context.listed);
        const after = await statesBelow(output, generator.writes);
        // It is for what the primitive does not have, such as a source.
        if (before.size === 0 && after.size === 0) continue;
        const found = compare(before, after).filter((change) => !isEjected(change.path));
        const ejected = [...after.keys()].filter(isEjected).sort();
        const left = ejected.length === 0 ? {} : { ejected };
        results.push({ kind, name, generator: generator.id, changes: found, ...left });
        if (context.check) continue;
        for (const change of found) changes.push(await writeOf(change, before.get(change.path), output));
      }
      const { signal } = context;
      await applyChanges({
        root: target,
        changes,
        staging: stagingOf(target),
        what,
        code: 'scaffold',
        signal,
      });
      return results;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (cause) {
    throw explained(cause, what);
  }
}

async function writeOf(
  { path, change }: GeneratedChange,
  before: FileChange['before'],
  output: string,
): Promise<FileChange> {
  if (change === 'removed') return { path, before, after: 'delete' };
  const file = join(output, path);
  const [bytes, { mode }] = await Promise.all([readFile(file), stat(file)]);
  return { path, before, after: { bytes, executable: (mode & 0o100) !== 0 } };
}

/** The output of a generator replaces a folder of the primitive, and never the target of a link. */
async function checkOutput(target: string, { id, writes }: Generator, shown: string): Promise<void> {
  const found = await lookBelow(target, writes);
  if (found.type === 'missing' || found.type === 'folder') return;
  const by = `${shown}/${found.type === 'blocked' ? found.by : writes}`;
  throw new PrimitiveError('generator-output', `Cannot write ${shown}/${writes}.`, {
    why: `The generator ${id} writes to that folder, but ${by} is a file or a link.`,
    suggestions: [`Move it: mv ${by} …`],
  });
}

interface Place {
  readonly target: string;
  /** As {@link target} is called in messages, with its `/`. */
  readonly shown: string;
  readonly output: string;
  readonly context: GeneratorContext;
}

/** Bound for a file that a built-in generator reads whole; what it makes of it has a bound of its own. */
const MAX_BYTES = 16 * 1024 * 1024;

/** A file of the primitive, which no link leads to; undefined if it is missing. Throws `generator-input`. */
async function readInput(target: string, path: string, shown: string): Promise<Buffer | undefined> {
  const found = await lookBelow(target, path);
  if (found.type === 'missing') return undefined;
  if (found.type === 'file' && found.stats.size <= MAX_BYTES) return readFile(join(target, path));
  const why = found.type === 'file' ? `it has more than ${MAX_BYTES} bytes` : 'it is not a plain file';
  throw new PrimitiveError('generator-input', `Cannot read ${shown}${path}.`, { why });
}

async function runBuiltIn(
  generator: Generator,
  source: Omit<GeneratorInput, 'read'>,
  { target, output, context }: Place,
): Promise<boolean> {
  const read = (path: string) => readInput(target, path, source.shown);
  const made = await builtIn(generator)?.generate(generator, { ...source, read });
  for (const warning of made?.warnings ?? []) context.warn(warning);
  for (const [path, text] of made?.files ?? []) {
    await mkdir(dirname(join(output, path)), { recursive: true });
    await writeFile(join(output, path), text);
  }
  return made !== undefined;
}

async function runGenerator(generator: Generator, place: Place): Promise<void> {
  const { id, run } = generator;
  const { target, output, context } = place;
  const { processes, signal } = context;
  checkKnown(generator);
  const extra = context.knownOnly ? await knownRun(id, place) : { args: [], env: { GOWORK: 'off' } };
  const options = { cwd: target, env: extra.env, signal };
  const program = await requireGenerator(generator, context, options);
  const { exitCode, stderr } = await processes.run(
    program.path,
    [...program.args(output), ...extra.args],
    options,
  );
  if (exitCode === 0) return checkSpace(run, output);
  const why = stderr.trim().split('\n').slice(-20).join('\n') || 'it printed no message';
  throw new PrimitiveError('generator-failed', `${run} failed with exit code ${exitCode}.`, {
    why,
    suggestions: [
      CANNOT_WRITE.test(why)
        ? 'Set HOME and TMPDIR to writable folders, and run the command again.'
        : 'Correct its input, and run the command again.',
    ],
    exit: 3,
  });
}

/** How buf is run so that it starts known plugins alone. Throws `generator-foreign`. */
async function knownRun(id: string, { target, shown }: Place) {
  const read = async (path: string) => (await readInput(target, path, shown))?.toString('utf8');
  const found = knownTemplate(await read('buf.gen.yaml'), await read('go.mod'));
  if ('template' in found) return { args: ['--template', found.template], env: KNOWN_ENVIRONMENT };
  throw new PrimitiveError(
    'generator-foreign',
    `The generator ${id} in ${shown} may start programs of the repository.`,
    {
      why: found.why,
      suggestions: [`primitive generate ${shown} --check`],
    },
  );
}

/** Of programs in Go, which put caches below HOME, and what they work with into the temporary folder. */
const CANNOT_WRITE = /^(?:Failure: )?mkdir .+: /m;

/** Larger than a generated file: with less left, one may not have had room. */
const SPARE_BYTES = 1024 * 1024;

/** buf ends with 0 even if the disk was full and a file is cut off. */
async function checkSpace(program: string, output: string): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(output);
  // Some network file systems do not say how large they are.
  if (blocks === 0 || bavail * bsize >= SPARE_BYTES) return;
  const why = `Less than ${SPARE_BYTES / 1024 / 1024} MiB is free in ${output}. Nothing was changed.`;
  throw diskFull(`write what ${program} generates`, why);
}

/** The digest of the file at each path, or its type if it is no file. */
type States = ReadonlyMap<string, Digest | 'other'>;

function compare(before: States, after: States): readonly GeneratedChange[] {
  const changes: GeneratedChange[] = [];
  for (const [path, digest] of after) {
    const old = before.get(path);
    if (digest === 'other') throw notPlain(path);
    if (old !== digest) changes.push({ path, change: old === undefined ? 'created' : 'changed', digest });
  }
  for (const path of before.keys()) if (!after.has(path)) changes.push({ path, change: 'removed' });
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function notPlain(path: string): PrimitiveError {
  return new PrimitiveError('generator-output', `Generated ${path} is not a plain file.`, {
    why: 'A link leads to a different file on each machine.',
  });
}

/** Everything of a folder below `base`, by its path below `base`; with `listed`, only what is in there. */
async function statesBelow(base: string, folder: string, listed?: ReadonlySet<string>): Promise<States> {
  const found = new Map<string, Digest | 'other'>();
  const visit = async (path: string): Promise<void> => {
    const entries = await readdir(join(base, path), { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const entry of entries) {
      const below = `${path}/${entry.name}`;
      if (entry.isDirectory()) await visit(below);
      else if (listed?.has(below) ?? true)
        found.set(below, entry.isFile() ? digestOf(await readFile(join(base, below))) : 'other');
    }
  };
  await visit(folder);
  return found;
}
