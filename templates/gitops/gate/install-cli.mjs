// Installs the primitive of `cli` in kit.yaml outside of the checkout, by its integrity, and writes the path of its program
// to the output `run`: `node install-cli.mjs FOLDER`. Nothing of a package with another integrity is run.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Refused, report } from './render.mjs';

const PACKAGE = '@ameide/primitive';

/** Where the kit is installed: the commit whose gate this is. */
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

function install(folder) {
  const { kit } = JSON.parse(readFileSync(join(root, '.github/primitive/kit.json'), 'utf8'));
  if (kit.cli === undefined)
    throw new Refused('kit.yaml has no `cli`: it says which primitive checks releases');
  const { version, integrity, file, registry } = kit.cli;
  const place = mkdtempSync(join(folder, 'primitive-'));
  const archive = file === undefined ? fetchPackage(place, version, registry) : join(root, file);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity)
    throw new Refused(
      `${PACKAGE} ${version} has the integrity ${found}, not ${integrity}. Nothing of it was run.`,
    );
  execFileSync('tar', ['-xzf', archive, '-C', place]);
  const program = join(place, 'package/bin/run.js');
  if (process.env.GITHUB_OUTPUT) appendFileSync(process.env.GITHUB_OUTPUT, `run=${program}\n`);
  console.log(`${PACKAGE} ${version}: ${program}`);
}

/** From a registry of npm, in a folder without a configuration of the checkout. */
function fetchPackage(place, version, registry) {
  const from = registry === undefined ? [] : [`--registry=${registry}`, `--@ameide:registry=${registry}`];
  const args = [
    'pack',
    `${PACKAGE}@${version}`,
    '--prefix',
    place,
    '--pack-destination',
    place,
    '--ignore-scripts',
    ...from,
  ];
  execFileSync('npm', args, { cwd: place, stdio: ['ignore', 'ignore', 'inherit'] });
  return join(place, `ameide-primitive-${version}.tgz`);
}

try {
  install(resolve(process.argv[2] ?? '.'));
} catch (error) {
  report(error);
}
