import { type Platform, parsePlatform } from '../../core/platform.ts';

/** containerd's spelling: `linux/arm64/v8` is `linux/arm64`, `linux/arm` is `linux/arm/v7`, `linux/amd64/v1` is `linux/amd64`. */
export function normalised(platform: Platform): Platform {
  const { os, architecture, variant } = platform;
  if (architecture === 'arm' && variant === undefined) return { os, architecture, variant: 'v7' };
  const plain =
    (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1');
  return plain ? { os, architecture } : platform;
}

const ARCHITECTURE_NAMES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['aarch64', 'arm64'],
]);

/** `--platform` may also name an architecture or a system alone; BuildKit reports what is not a platform. */
export function readPlatform(text: string, target: Platform): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length === 1) {
    const [word = ''] = parts;
    const system = ['linux', 'windows', 'darwin', 'freebsd'].includes(word);
    return normalised(
      system ? { ...target, os: word } : { os: 'linux', architecture: ARCHITECTURE_NAMES.get(word) ?? word },
    );
  }
  const [os = '', architecture = '', ...variant] = parts;
  const platform = parsePlatform(
    [os, ARCHITECTURE_NAMES.get(architecture) ?? architecture, ...variant].join('/'),
  );
  return normalised(platform ?? target);
}
