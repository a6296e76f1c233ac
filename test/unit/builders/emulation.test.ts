import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emulatedPlatforms } from '../../../src/builders/emulation.ts';
import { formatPlatform } from '../../../src/core/platform.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binfmt-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** As the kernel prints a registration. */
const register = (name: string, state = 'enabled', flags = 'POCF') =>
  writeFile(
    join(folder, name),
    `${state}\ninterpreter /usr/bin/${name}\nflags: ${flags}\noffset 0\nmagic 7f45\n`,
  );
const found = async (architecture: string) =>
  (await emulatedPlatforms({ os: 'linux', architecture }, folder)).map(formatPlatform).sort();

test('what is registered for containers counts', async () => {
  await register('qemu-aarch64');
  await register('qemu-arm');
  await register('qemu-s390x', 'disabled');
  await register('qemu-riscv64', 'enabled', 'OC');
  await register('python3.11');
  await writeFile(join(folder, 'status'), 'enabled\n');
  expect(await found('amd64')).toEqual(['linux/386', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm64']);
});

test("the machine's own is not emulated", async () => {
  await register('qemu-aarch64');
  await register('qemu-x86_64');
  expect(await found('arm64')).toEqual(['linux/amd64']);
});

test('no binfmt_misc at all', async () => {
  expect(await emulatedPlatforms({ os: 'linux', architecture: 'arm64' }, join(folder, 'none'))).toEqual([]);
});
