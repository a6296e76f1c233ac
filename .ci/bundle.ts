import { globSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type OutputChunk, type OutputOptions, type Plugin, type RolldownOptions, rolldown } from 'rolldown';
import {
  allKinds,
  BUNDLED_KINDS,
  type BundledKind,
  bundledKinds,
  OWN_KINDS,
  openKinds,
} from '../src/kinds/kind.ts';
import { thirdPartyNotices } from './notices.ts';
import { resolvedFiles } from './resolved-files.ts';

const root = join(import.meta.dirname, '..');

/** Settings of every bundle of our sources. */
export const bundling = {
  input: {
    cwd: root,
    platform: 'node',
    transform: { target: 'node22.12' },
    plugins: [resolvedFiles],
    // Its build for Node looks up an environment variable for each token, which takes a quarter of the time.
    resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') } },
    // The runtime of WebAssembly for tree-sitter calls it for modules that bring JavaScript; grammars bring none.
    // What is imported when it is needed may be in the file that all share.
    checks: { eval: false, ineffectiveDynamicImport: false },
  } satisfies RolldownOptions,
  output: {
    format: 'esm',
    minify: true,
    // Stack traces name our functions, also in a report from a user.
    keepNames: true,
    comments: false,
  } satisfies OutputOptions,
};

/**
 * Bundles the CLI into `<folder>/dist`: a module for the start, one for each command, and chunks for what they share or
 * import when they need it, and the kinds as JSON; writes the notices of the third-party code in it beside that. Same sources, same bytes.
 * Returns the number of files and of bytes.
 */
export async function bundle(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const outdir = join(folder, 'dist');
  const commands = globSync('src/commands/**/*.ts', { cwd: root }).sort();
  const imports = new Map<string, readonly string[]>();
  await using build = await rolldown({
    ...bundling.input,
    plugins: [bundling.input.plugins, importsInto(imports)],
    preserveEntrySignatures: 'allow-extension',
    input: {
      cli: 'src/cli/main.ts',
      plugin: 'src/plugin.ts',
      ...Object.fromEntries(commands.map((path) => [path.slice('src/'.length, -'.ts'.length), path])),
    },
  });
  const { output } = await build.generate({
    ...bundling.output,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // Opening a file takes longer than reading a small one: what commands share is one file, but for what needs a package.
    codeSplitting: {
      groups: [{ name: 'shared', minShareCount: 2, test: withoutPackages(imports) }],
    },
  });
  refuseCircles(output.flatMap((file) => (file.type === 'chunk' ? file : [])));
  // Only now: a build that fails leaves the one before it alone.
  await rm(outdir, { recursive: true, force: true });
  let bytes = 0;
  for (const file of output) {
    const path = join(outdir, file.fileName);
    const content = file.type === 'chunk' ? file.code : file.source;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    bytes += Buffer.byteLength(content);
  }
  const kinds = JSON.stringify(await kindFiles());
  await writeFile(join(outdir, BUNDLED_KINDS), kinds);
  bytes += Buffer.byteLength(kinds);
  const inputs = output
    .flatMap((file) => (file.type === 'chunk' ? file.moduleIds : file.originalFileNames))
    .map((path) => relative(root, path));
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), await thirdPartyNotices(root, inputs));
  return { files: output.length + 1, bytes };
}

/** Notes what each module imports when it starts. */
function importsInto(imports: Map<string, readonly string[]>): Plugin {
  return {
    name: 'imports',
    buildEnd() {
      for (const id of this.getModuleIds()) imports.set(id, this.getModuleInfo(id)?.importedIds ?? []);
    },
  };
}

/** Whether a module is ours, and all that it imports, directly or not, is ours or comes with Node. */
function withoutPackages(imports: ReadonlyMap<string, readonly string[]>): (id: string) => boolean {
  const known = new Map<string, boolean>();
  const test = (id: string): boolean => {
    const before = known.get(id);
    if (before !== undefined) return before;
    // With \0, helpers of the bundler.
    if (id.startsWith('node:') || id.startsWith('\0')) return true;
    // Modules may import each other.
    known.set(id, true);
    const found = id.startsWith(join(root, 'src')) && (imports.get(id) ?? []).every(test);
    known.set(id, found);
    return found;
  };
  return test;
}

/** The content of each `kind.yaml`. Throws if one of them is not valid. */
async function kindFiles(): Promise<Readonly<Record<string, BundledKind>>> {
  const kinds = await allKinds(await openKinds({ [OWN_KINDS]: bundledKinds() }));
  return Object.fromEntries(kinds.map(({ folder: _folder, source: _source, ...kind }) => [kind.kind, kind]));
}

/** Chunks that import each other would run their code in another order than the sources. */
function refuseCircles(chunks: readonly Pick<OutputChunk, 'fileName' | 'imports'>[]): void {
  const left = new Map(chunks.map(({ fileName, imports }) => [fileName, imports]));
  for (let size = Number.POSITIVE_INFINITY; left.size < size; ) {
    size = left.size;
    const imported = new Set([...left.values()].flat());
    for (const [file, imports] of left) {
      if (!imported.has(file) || !imports.some((other) => left.has(other))) left.delete(file);
    }
  }
  if (left.size === 0) return;
  const lines = [...left].map(
    ([file, imports]) => `${file} imports ${imports.filter((other) => left.has(other)).join(', ')}`,
  );
  throw new Error(`Chunks import each other:\n${lines.join('\n')}`);
}
