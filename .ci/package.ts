/** Packs what is published into `ameide-primitive-<version>.tgz` in the current folder. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stagePackage } from './stage.ts';

const base = await mkdtemp(join(tmpdir(), 'package-'));
try {
  await stagePackage(join(base, 'package'));
  const { status } = spawnSync('npm', ['pack', join(base, 'package')], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} finally {
  await rm(base, { recursive: true, force: true });
}
