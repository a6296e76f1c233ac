/**
 * Builds what is published: one ES module per command and one for the CLI, with their shared chunks, in `dist/`, and
 * the notices of the third-party code in them. Same sources, same bytes.
 */
import { globSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { namedExports } from './named-exports.ts';
import { thirdPartyNotices } from './notices.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');

await rm(dist, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'src/cli/main.ts', out: 'cli' },
    ...globSync('src/commands/**/*.ts', { cwd: root })
      .sort()
      .map((path) => ({ in: path, out: path.slice('src/'.length, -'.ts'.length) })),
  ],
  outdir: 'dist',
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
  plugins: [namedExports],
  metafile: true,
  logLevel: 'warning',
  // Bundled CommonJS asks for Node's own modules with `require`; the long name is none that minifying makes up.
  banner: {
    js: "import{createRequire as createBundleRequire}from'node:module';const require=createBundleRequire(import.meta.url);",
  },
});
await writeFile(
  join(root, 'THIRD-PARTY-NOTICES.txt'),
  await thirdPartyNotices(root, Object.keys(metafile.inputs)),
);

const outputs = Object.values(metafile.outputs);
const bytes = outputs.reduce((sum, output) => sum + output.bytes, 0);
console.log(`dist: ${outputs.length} files, ${Math.round(bytes / 1024)} KiB`);
