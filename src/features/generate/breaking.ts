import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { field } from '../../core/object.ts';
import type { Generator } from '../../kinds/generators/generator.ts';
import { explained } from '../../repository/file-errors.ts';
import { type GeneratorPorts, generatorContext } from './context.ts';
import { requireGenerator } from './programs.ts';

/** Proto files at two times. */
interface ProtoFiles {
  /** The generator whose program compares them. */
  readonly generator: Generator;
  /** The folder that imports start from, relative to that of the settings. */
  readonly root: string;
  /** `breaking` of a `buf.yaml`: data, of which nothing is started. */
  readonly breaking: object;
  /** Path below `root` -> content. */
  readonly before: ReadonlyMap<string, Uint8Array>;
  readonly now: ReadonlyMap<string, Uint8Array>;
}

/** Something that what was made for `before` does not find in `now`. */
interface ProtoBreak {
  /** `FIELD_SAME_NAME`, as buf calls it. */
  readonly rule: string;
  readonly message: string;
  /** Below `root`; undefined for what is in no file any more. */
  readonly path: string | undefined;
  readonly line: number;
  readonly column: number;
}

/**
 * For verify: compares proto files by `buf breaking`. Both are written into a temporary folder with settings that are made
 * here, so that buf starts no plugin and asks no registry for a module.
 *
 * Undefined if the files before do not compile. Throws `generator-missing`, `generator-version`, `generator-failed` (exit 3).
 */
export function compareProto(ports: GeneratorPorts) {
  return async (files: ProtoFiles): Promise<readonly ProtoBreak[] | undefined> => {
    const { temporary, signal } = ports;
    const { root: cwd, ...search } = await generatorContext(ports);
    const { generator, root, breaking } = files;
    const { path: buf } = await requireGenerator(generator, search, { cwd, signal });
    try {
      const folder = await mkdtemp(join(temporary, 'primitive-breaking-'));
      try {
        const settings = JSON.stringify({ version: 'v2', modules: [{ path: root || '.' }], breaking });
        for (const side of [BEFORE, NOW] as const) {
          await writeAll(join(folder, side, root), files[side]);
          await writeFile(join(folder, side, 'buf.yaml'), settings);
        }
        const run = await search.processes.run(
          buf,
          ['breaking', NOW, '--against', BEFORE, '--error-format', 'json', '--disable-symlinks'],
          { cwd: folder, signal },
        );
        const lines = new TextDecoder().decode(run.stdout).split('\n').filter(Boolean).map(readLine);
        if (run.exitCode === 0) return [];
        if (run.exitCode !== FOUND || lines.includes(undefined)) throw failed(run.stderr, 'what it printed');
        const found = lines.filter((line) => line !== undefined);
        const compile = found.find(({ rule }) => rule === 'COMPILE');
        if (compile?.file?.startsWith(`${BEFORE}/`)) return undefined;
        if (compile !== undefined) throw failed(`${compile.file}: ${compile.message}`, '');
        const prefix = [NOW, ...(root === '' ? [] : [root]), ''].join('/');
        return found.map(({ file, ...one }) => ({
          ...one,
          path: file?.startsWith(prefix) ? file.slice(prefix.length) : undefined,
        }));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    } catch (cause) {
      throw explained(cause, 'compare proto files');
    }
  };
}

const BEFORE = 'before';
const NOW = 'now';

/** Exit code of buf for findings. */
const FOUND = 100;

async function writeAll(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [path, bytes] of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
}

function readLine(line: string) {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const text = (key: string) => {
    const value = field(json, key);
    return typeof value === 'string' ? value : undefined;
  };
  const number = (key: string) => {
    const value = field(json, key);
    return Number.isInteger(value) && Number(value) > 0 ? Number(value) : 1;
  };
  const [rule, message] = [text('type'), text('message')];
  if (rule === undefined || message === undefined) return undefined;
  return { rule, message, file: text('path'), line: number('start_line'), column: number('start_column') };
}

function failed(output: string, otherwise: string): PrimitiveError {
  const why = output.trim().split('\n').slice(-5).join('\n') || `${otherwise} cannot be read`;
  return new PrimitiveError('generator-failed', 'buf cannot compare the proto files.', { why, exit: 3 });
}
