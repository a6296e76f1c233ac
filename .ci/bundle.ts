import { globSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { namedExports } from './named-exports.ts';
import { thirdPartyNotices } from './notices.ts';
import { quickOclif } from './quick-oclif.ts';

const root = join(import.meta.dirname, '..');

/**
 * Bundles the CLI into `<folder>/dist`, one ES module per command with their shared chunks, and writes the notices of
 * the third-party code in it beside that. Same sources, same bytes. Returns the number of files and of bytes.
 */
export async function bundle(folder: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const outdir = join(folder, 'dist');
  const commands = globSync('src/commands/**/*.ts', { cwd: root }).sort();
  const { metafile, outputFiles } = await build({
    write: false,
    absWorkingDir: root,
    entryPoints: [
      { in: 'src/cli/main.ts', out: 'cli' },
      ...commands.map((path) => ({ in: path, out: path.slice('src/'.length, -'.ts'.length) })),
    ],
    outdir,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.12',
    minify: true,
    // Stack traces name our functions, also in a report from a user.
    keepNames: true,
    legalComments: 'none',
    plugins: [quickOclif, namedExports],
    metafile: true,
    logLevel: 'warning',
    // Bundled CommonJS requires Node's own modules: handed out as they are, which is quicker than a real `require`.
    banner: {
      js: "const require=id=>process.getBuiltinModule(id)??process.getBuiltinModule('module').createRequire(import.meta.url)(id);",
    },
  });
  // Only now: a build that fails leaves the one before it alone.
  await rm(outdir, { recursive: true, force: true });
  for (const { path, contents } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, contents);
  }
  const notices = await thirdPartyNotices(root, Object.keys(metafile.inputs));
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), notices);
  return {
    files: outputFiles.length,
    bytes: outputFiles.reduce((sum, { contents }) => sum + contents.length, 0),
  };
}
