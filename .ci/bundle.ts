import { globSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type OutputOptions, type Plugin, type RolldownOptions, rolldown } from 'rolldown';
import { thirdPartyNotices } from './notices.ts';
import { quickOclif } from './quick-oclif.ts';

const root = join(import.meta.dirname, '..');

/** What every bundle of our sources is made with. */
export const bundling = {
  input: {
    cwd: root,
    platform: 'node',
    transform: { target: 'node22.12' },
    plugins: [quickOclif] satisfies Plugin[],
    // Modules are put together by group here, whatever an `import()` says.
    checks: { ineffectiveDynamicImport: false },
  } satisfies RolldownOptions,
  output: {
    format: 'esm',
    minify: true,
    // Stack traces name our functions, also in a report from a user.
    keepNames: true,
    comments: false,
  } satisfies OutputOptions,
};

/** What reads and writes files of a workspace: of these modules one command needs most, and none loads a large library. */
const LOCAL =
  /[\\/]src[\\/](?:(?:cli|core|yaml|features[\\/](?:init|scaffold)|render|workspace)[\\/]|kinds[\\/][^\\/]+$|oci[\\/](?:digest|manifest|media-types|reference)\.ts$)|[\\/]node_modules[\\/]semver[\\/]/;

/** What compiling a model needs, all of it together. */
const BPMN =
  /[\\/](?:src[\\/]kinds[\\/]generators[\\/]bpmn|node_modules[\\/](?:bpmn-moddle|moddle|moddle-xml|min-dash|saxen|zeebe-bpmn-moddle))[\\/]/;

/**
 * Bundles the CLI into `<folder>/dist`: an ES module for what every command needs, one for what most do with files, one
 * for BPMN, and chunks for the rest; writes the notices of the third-party code in it beside that. To load a file costs
 * more than to have a little in it that goes unused. Same sources, same bytes. Returns the number of files and of bytes.
 */
export async function bundle(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const outdir = join(folder, 'dist');
  const commands = globSync('src/commands/**/*.ts', { cwd: root }).sort();
  await using build = await rolldown({
    ...bundling.input,
    input: {
      cli: 'src/cli/main.ts',
      ...Object.fromEntries(commands.map((path) => [path.slice('src/'.length, -'.ts'.length), path])),
    },
  });
  const { output } = await build.generate({
    ...bundling.output,
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      groups: [
        { name: 'start', tags: ['$initial'], priority: 2 },
        { name: 'local', test: LOCAL, priority: 1 },
        { name: 'bpmn', test: BPMN },
      ],
    },
  });
  const chunks = output.flatMap((file) => (file.type === 'chunk' ? [file] : []));
  // Only now: a build that fails leaves the one before it alone.
  await rm(outdir, { recursive: true, force: true });
  for (const { fileName, code } of chunks) {
    const path = join(outdir, fileName);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code);
  }
  const inputs = chunks.flatMap(({ moduleIds }) => moduleIds.map((id) => relative(root, id)));
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), await thirdPartyNotices(root, inputs));
  return {
    files: chunks.length,
    bytes: chunks.reduce((sum, { code }) => sum + Buffer.byteLength(code), 0),
  };
}
