import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '../core/platform.ts';

const BINFMT = '/proc/sys/fs/binfmt_misc';

/** QEMU's names of the architectures that images are made for. */
const QEMU: Readonly<Record<string, readonly Omit<Platform, 'os'>[]>> = {
  aarch64: [{ architecture: 'arm64' }],
  arm: [
    { architecture: 'arm', variant: 'v7' },
    { architecture: 'arm', variant: 'v6' },
  ],
  i386: [{ architecture: '386' }],
  loongarch64: [{ architecture: 'loong64' }],
  mips64el: [{ architecture: 'mips64le' }],
  ppc64le: [{ architecture: 'ppc64le' }],
  riscv64: [{ architecture: 'riscv64' }],
  s390x: [{ architecture: 's390x' }],
  x86_64: [{ architecture: 'amd64' }],
};

/**
 * Platforms besides its own that this machine runs programs for: what its processor can, and what is registered with
 * the kernel (binfmt_misc) in a way that also works inside containers (flag F).
 */
export async function emulatedPlatforms(native: Platform, folder = BINFMT): Promise<readonly Platform[]> {
  const entries = await readdir(folder).catch(() => []);
  const registered = await Promise.all(
    entries.map(async (entry) => {
      const platforms = QEMU[entry.replace(/^qemu-/, '')] ?? [];
      if (platforms.length === 0) return [];
      const text = await readFile(join(folder, entry), 'utf8').catch(() => '');
      return /^enabled$/m.test(text) && /^flags: .*F/m.test(text) ? platforms : [];
    }),
  );
  const own: readonly Omit<Platform, 'os'>[] =
    native.architecture === 'amd64' ? [{ architecture: '386' }] : [];
  const others = [...own, ...registered.flat()].filter(
    ({ architecture }) => architecture !== native.architecture,
  );
  return [
    ...new Map(
      others.map((other) => [`${other.architecture}/${other.variant}`, { os: 'linux', ...other }]),
    ).values(),
  ];
}
