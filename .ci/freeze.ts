/**
 * Run by `npm version`, before its commit and tag: gives the changes their heading, and lists what the release has of shared
 * code, which stays as it is from then on.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { madeToday, RELEASED, versionsOfKinds, withRelease } from './released.ts';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const changelog = await readFile(join(root, 'CHANGELOG.md'), 'utf8');
if (!changelog.includes('## Unreleased\n')) throw new Error('CHANGELOG.md has no heading "## Unreleased"');
const released = withRelease(
  await readFile(RELEASED, 'utf8'),
  version,
  await versionsOfKinds(),
  await madeToday(),
);
await writeFile(RELEASED, released);
await writeFile(join(root, 'CHANGELOG.md'), changelog.replace('## Unreleased\n', `## ${version}\n`));
